import next from 'next'
import { createServer } from 'node:http'
import { parse } from 'node:url'

const port = Number(process.env.PORT ?? 3000)
const app = next({ dev: false, dir: import.meta.dirname, hostname: 'localhost', port })
const handle = app.getRequestHandler()

await app.prepare()

createServer((req, res) => {
  void handle(req, res, parse(req.url, true))
}).listen(port, () => {
  console.log(`> Ready on http://localhost:${port}`)
})
