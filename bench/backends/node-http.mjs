/** `node:http` as it comes. Usage: node-http.mjs SOCKET */
import { createServer } from 'node:http'
import { BODY, HEADERS, reportTo } from './parent.mjs'

const HEADERS_OBJECT = Object.fromEntries(HEADERS)
const server = createServer((_request, response) => {
  response.writeHead(200, HEADERS_OBJECT)
  response.end(BODY)
})
// Longer than nginx keeps an idle connection, so that nginx is the one that closes it.
server.keepAliveTimeout = 75_000
server.listen(process.argv[2], () => reportTo(process))
