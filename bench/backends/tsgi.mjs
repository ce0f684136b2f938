/** tsgi as an installed package runs it: built, and with the protocol found out per connection. Usage: tsgi.mjs SOCKET */
import { serve } from '../../dist/index.js'
import { application } from './application.mjs'
import { reportTo } from './parent.mjs'

await serve({ application, bind: `unix:${process.argv[2]}` })
reportTo(process)
