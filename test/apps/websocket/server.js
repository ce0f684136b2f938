import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const server = createServer((req, res) => {
  res.setHeader('Content-Type', 'text/plain')
  res.end('Hello from a server with WebSockets\n')
})

const sockets = new WebSocketServer({ server, path: '/echo' })

sockets.on('connection', (socket, request) => {
  socket.send(`hello ${new URL(request.url, 'http://localhost').searchParams.get('name') ?? 'stranger'}`)
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
})

server.listen(Number(process.env.PORT ?? 3000))
