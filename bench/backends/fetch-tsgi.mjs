/** A fetch handler on tsgi. Usage: fetch-tsgi.mjs SOCKET */
import { serve } from '../../dist/index.js'
import { fetch } from './fetch-application.mjs'
import { reportTo } from './parent.mjs'

await serve({ fetch, bind: `unix:${process.argv[2]}` })
reportTo(process)
