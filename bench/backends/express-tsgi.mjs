/** Express on tsgi. Usage: express-tsgi.mjs SOCKET */
import { serve } from '../../dist/index.js'
import { app } from './express-application.mjs'
import { reportTo } from './parent.mjs'

await serve({ listener: app, bind: `unix:${process.argv[2]}` })
reportTo(process)
