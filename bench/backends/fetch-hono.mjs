/** A fetch handler on @hono/node-server. Usage: fetch-hono.mjs SOCKET */
import { createAdaptorServer } from '@hono/node-server'
import { fetch } from './fetch-application.mjs'
import { reportTo } from './parent.mjs'

const server = createAdaptorServer({ fetch })
server.keepAliveTimeout = 75_000
server.listen(process.argv[2], () => reportTo(process))
