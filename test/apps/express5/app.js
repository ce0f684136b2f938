import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import compression from 'compression'
import cookieParser from 'cookie-parser'
import express, { Router } from 'express'
import session from 'express-session'
import morgan from 'morgan'
import multer from 'multer'

const app = express()
const publicFolder = fileURLToPath(new URL('../public', import.meta.url))

app.use(morgan('tiny', { skip: (_req, res) => res.statusCode < 500 }))
app.use(cookieParser())
app.use('/static', express.static(publicFolder, { maxAge: '1h' }))

app.get('/hello', (_req, res) => res.type('text').send('hello, world\n'))
app.get('/json', (_req, res) => res.json({ hello: 'world', list: [1, 2, 3], text: 'naïve €' }))

app.all('/echo', express.raw({ type: () => true, limit: '20mb' }), (req, res) => {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)
  res.json({
    method: req.method,
    originalUrl: req.originalUrl,
    query: req.query,
    headers: req.headers,
    body: body.toString(),
    bytes: body.length,
  })
})

app.get('/status/:code', (req, res) => res.status(Number(req.params.code)).send(`status ${req.params.code}\n`))
app.get('/redirect', (_req, res) => res.redirect('/hello'))

app.get('/cookies', (_req, res) => {
  res.cookie('a', '1')
  res.cookie('b', 'two words', { httpOnly: true, sameSite: 'lax', maxAge: 0 })
  res.send('cookies\n')
})
app.get('/cookie-echo', (req, res) => res.json(req.cookies))

app.get('/headers-odd', (_req, res) => {
  res.set('X-Empty', '')
  res.set('x-lower', 'lower')
  res.set('X-Latin', 'café')
  res.append('X-List', 'one')
  res.append('X-List', 'two')
  res.vary('Accept')
  res.links({ next: '/page/2', last: '/page/5' })
  res.attachment('naïve.txt')
  res.set('X-Long', 'x'.repeat(4000))
  res.send('odd\n')
})

app.get('/stream', async (_req, res) => {
  res.type('text')
  const chunks = async function* () {
    for (let index = 0; index < 10; index++) {
      await delay(1)
      yield `chunk ${index}\n`
    }
  }
  await pipeline(Readable.from(chunks()), res)
})

app.get('/big', (req, res) => res.type('bin').send(Buffer.alloc(Number(req.query.bytes), 'b')))

app.get('/sse', (_req, res) => {
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' })
  res.flushHeaders()
  for (let index = 0; index < 3; index++) res.write(`id: ${index}\ndata: event ${index}\n\n`)
  res.end()
})

app.get('/compressed', compression(), (_req, res) => {
  res.type('text').send(Array.from({ length: 1000 }, (_, index) => `line ${index} of what is compressed\n`).join(''))
})

app.post('/upload', multer({ limits: { fileSize: 5_000_000 } }).any(), (req, res) => {
  res.json({
    fields: req.body,
    files: req.files.map(({ fieldname, originalname, size, mimetype, buffer }) => ({
      name: fieldname,
      filename: originalname,
      size,
      type: mimetype,
      sha256: createHash('sha256').update(buffer).digest('hex'),
    })),
  })
})

const sessions = session({ secret: 'not a secret', resave: false, saveUninitialized: true, cookie: { maxAge: null } })
app.get('/session', sessions, (req, res) => {
  req.session.count = (req.session.count ?? 0) + 1
  res.json({ count: req.session.count })
})

app.post('/json-body', express.json(), (req, res) => res.json({ got: req.body }))
app.post('/form', express.urlencoded({ extended: true }), (req, res) => res.json(req.body))

app.get('/error', () => {
  throw new Error('on purpose')
})
app.get('/error-async', async () => {
  await delay(1)
  throw new Error('on purpose, later')
})
app.get('/error-late', async (_req, res) => {
  res.write('begun\n')
  await delay(5)
  throw new Error('on purpose, too late')
})

app.get('/slow', async (req, res) => {
  await delay(Number(req.query.ms))
  res.send('slow\n')
})
app.get('/nobody', (_req, res) => res.sendStatus(204))
app.get('/not-modified', (_req, res) => res.set('ETag', '"same"').status(304).end())
app.get('/ip', (req, res) => res.json({ ip: req.ip, ips: req.ips, secure: req.secure, hostname: req.hostname }))

const router = Router({ mergeParams: true })
router.get('/where', (req, res) => res.json({ baseUrl: req.baseUrl, url: req.url, originalUrl: req.originalUrl, path: req.path }))
app.use('/mounted/:name', router)

export default app
