/**
 * The floor: what a request costs when nothing is parsed and the answer is constant. Usage: floor.mjs SOCKET fastcgi|uwsgi
 *
 * Over FastCGI a chunk that ends with the empty STDIN record ends a request, over uwsgi the first chunk is one: nginx writes
 * a GET in one piece.
 */
import { createServer } from 'node:net'
import { BODY, HEADERS, reportTo } from './parent.mjs'

const STDIN = 5
const [, , path, wire] = process.argv
const head = HEADERS.map(([name, value]) => `${name}: ${value}\r\n`).join('')

function record(type, content) {
  return Buffer.concat([Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]), Buffer.from(content)])
}

const fastcgiAnswer = Buffer.concat([record(6, `Status: 200 OK\r\n${head}\r\n${BODY}`), record(6, ''), record(3, '\0'.repeat(8))])
const uwsgiAnswer = Buffer.from(`HTTP/1.1 200 OK\r\n${head}\r\n${BODY}`)

function serveFastcgi(socket) {
  socket.on('data', (chunk) => {
    const at = chunk.length - 8
    if (at >= 0 && chunk[at + 1] === STDIN && chunk[at + 4] === 0 && chunk[at + 5] === 0) socket.write(fastcgiAnswer)
  })
}

function serveUwsgi(socket) {
  // All that nginx sends of a GET has been read: no half-close is needed.
  socket.once('data', () => {
    socket.write(uwsgiAnswer)
    socket.destroySoon()
  })
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  if (wire === 'uwsgi') serveUwsgi(socket)
  else serveFastcgi(socket)
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
})
server.listen({ path, backlog: 4096 }, () => reportTo(process))
