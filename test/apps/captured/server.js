// No framework, nothing exported: a script that listens.
const http = require('node:http')

const port = Number(process.env.PORT ?? 3000)

const server = http.createServer((req, res) => {
  if (req.url === '/hello') {
    res.setHeader('Content-Type', 'text/plain')
    res.end('Hello from a script\n')
  } else if (req.url.startsWith('/echo')) {
    const chunks = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks)
      res.writeHead(200, { 'Content-Type': 'application/json' })
      res.end(
        JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body: body.toString(), bytes: body.length }),
      )
    })
  } else if (req.url === '/address') {
    res.end(JSON.stringify({ listening: server.listening, heard, address: server.address() !== null }))
  } else {
    res.writeHead(404)
    res.end()
  }
})

const heard = []
server.on('listening', () => heard.push('event'))
server.listen(port, () => {
  heard.push('callback')
  console.log(`listening on ${JSON.stringify(server.address())}`)
})
