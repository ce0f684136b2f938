const { createHash } = require('node:crypto')
const { join } = require('node:path')
const { Readable, pipeline } = require('node:stream')
const compression = require('compression')
const cookieParser = require('cookie-parser')
const express = require('express')
const session = require('express-session')
const morgan = require('morgan')
const multer = require('multer')

const app = express()
const publicFolder = join(__dirname, '../public')

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

app.get('/stream', (_req, res, next) => {
  res.type('text')
  const chunks = Array.from({ length: 10 }, (_, index) => `chunk ${index}\n`)
  pipeline(Readable.from(chunks), res, (error) => {
    if (error) next(error)
  })
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
app.get('/error-async', (_req, _res, next) => {
  setTimeout(() => next(new Error('on purpose, later')), 1)
})
app.get('/error-late', (_req, res, next) => {
  res.write('begun\n')
  setTimeout(() => next(new Error('on purpose, too late')), 5)
})

app.get('/slow', (req, res) => {
  setTimeout(() => res.send('slow\n'), Number(req.query.ms))
})
app.get('/nobody', (_req, res) => res.sendStatus(204))
app.get('/not-modified', (_req, res) => res.set('ETag', '"same"').status(304).end())
app.get('/ip', (req, res) => res.json({ ip: req.ip, ips: req.ips, secure: req.secure, hostname: req.hostname }))

const router = express.Router({ mergeParams: true })
router.get('/where', (req, res) => res.json({ baseUrl: req.baseUrl, url: req.url, originalUrl: req.originalUrl, path: req.path }))
app.use('/mounted/:name', router)

module.exports = app
