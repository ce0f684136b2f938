/** Files by `send` on `node:http`, the directory `files` beside the socket. Usage: files-send.mjs SOCKET */
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import send from 'send'
import { reportTo } from './parent.mjs'

const root = join(dirname(process.argv[2]), 'files')
const server = createServer((request, response) => {
  send(request, new URL(request.url, 'http://localhost').pathname, { root }).pipe(response)
})
server.keepAliveTimeout = 75_000
server.listen(process.argv[2], () => reportTo(process))
