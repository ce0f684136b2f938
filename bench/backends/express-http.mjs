/** Express on `node:http` as it comes. Usage: express-http.mjs SOCKET */
import { createServer } from 'node:http'
import { app } from './express-application.mjs'
import { reportTo } from './parent.mjs'

const server = createServer(app)
// Longer than nginx keeps an idle connection, so that nginx is the one that closes it.
server.keepAliveTimeout = 75_000
server.listen(process.argv[2], () => reportTo(process))
