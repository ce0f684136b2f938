import { createServer } from 'node:http'
import { Server } from 'socket.io'

const server = createServer((req, res) => {
  res.setHeader('Content-Type', 'text/plain')
  res.end(req.url === '/clients' ? String(io.engine.clientsCount) : 'Hello from a chat\n')
})

const io = new Server(server)

io.on('connection', (socket) => {
  socket.on('join', (name, answer) => {
    socket.data.name = name
    socket.broadcast.emit('joined', name)
    answer(io.engine.clientsCount)
  })
  socket.on('say', (text) => {
    io.emit('said', socket.data.name, text)
  })
  socket.on('disconnect', () => {
    socket.broadcast.emit('left', socket.data.name)
  })
})

server.listen(Number(process.env.PORT ?? 3000))
