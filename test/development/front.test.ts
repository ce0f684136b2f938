import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { requires } from '../support/requirements.ts'
import { application, ask, Developed, project } from './developed.ts'

const built = requires('dist')

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

const ECHO = `import { createServer } from 'node:http'
createServer((request, response) => {
  if (request.url === '/stream') {
    response.write('first')
    request.on('close', () => console.log('the client left'))
    return
  }
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    response.setHeader('X-Twice', ['a', 'b'])
    response.writeHead(201, 'Made')
    response.end(JSON.stringify({ method: request.method, headers: request.rawHeaders, length: Buffer.concat(chunks).length }))
  })
}).listen(3000)
`

built.describe('a request on its way to the worker and back', () => {
  it('keeps its method, its body and its fields', async () => {
    const url = await new Developed(project({ 'app.js': ECHO })).ready()
    const body = 'x'.repeat(200_000)
    const answer = await ask(url, '/a?b=1', {
      method: 'PUT',
      body,
      headers: { 'X-CaSe': 'kept', Cookie: 'a=1', 'Content-Length': body.length },
    })
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ 'x-twice': 'a, b' })
    const seen = JSON.parse(answer.body) as { method: string; headers: string[]; length: number }
    expect(seen).toMatchObject({ method: 'PUT', length: body.length })
    expect(seen.headers).toEqual(expect.arrayContaining(['X-CaSe', 'kept', 'Cookie', 'a=1']))
    // A body without a declared length.
    const chunked = await ask(url, '/', { method: 'POST', body: 'four', headers: { 'Transfer-Encoding': 'chunked' } })
    expect(JSON.parse(chunked.body)).toMatchObject({ method: 'POST', length: 4 })
    const head = await ask(url, '/', { method: 'HEAD' })
    expect([head.status, head.body]).toEqual([201, ''])
    const none = await ask(url, '/', { method: 'DELETE' })
    expect(JSON.parse(none.body)).toMatchObject({ method: 'DELETE', length: 0 })
  })

  it('gets its answer however quickly that comes', async () => {
    const url = await new Developed(project({ 'app.js': ECHO }), ['app.js', '--access-log', 'off']).ready()
    const statuses = new Set<number>()
    for (let each = 0; each < 300; each += 1)
      statuses.add((await ask(url, '/', { method: 'POST', body: 'x'.repeat(900) })).status)
    expect([...statuses]).toEqual([201])
  })

  it('may be answered with hints, trailers, and what is hardly HTTP', async () => {
    const odd = `import { createServer } from 'node:http'
createServer((request, response) => {
  if (request.url === '/odd') {
    request.socket.end('HTTP/1.1 999 What?\\r\\nX-Odd: \\xff\\x80\\r\\nContent-Length: 2\\r\\n\\r\\nok')
    return
  }
  response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' })
  response.setHeader('Trailer', 'X-Sum')
  response.write('body')
  response.addTrailers({ 'X-Sum': '42' })
  response.end()
}).listen(3000)
`
    const url = await new Developed(project({ 'app.js': odd })).ready()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>.*\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    expect(answer).toMatch(/body\r\n0\r\nX-Sum: 42\r\n\r\n$/i)
    expect(await ask(url, '/odd')).toMatchObject({ status: 999, body: 'ok' })
    expect((await ask(url)).body).toBe('body')
  })

  it('streams, and tells the worker when its client leaves', async () => {
    const developed = new Developed(project({ 'app.js': ECHO }))
    const url = await developed.ready()
    const controller = new AbortController()
    const response = await fetch(`${url}/stream`, { signal: controller.signal })
    const { value } = (await response.body?.getReader().read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toBe('first')
    controller.abort()
    await developed.until(/the client left/)
    await developed.until(/^GET \/stream broken off \d+ ms$/m)
  })

  it('may be too large', async () => {
    const url = await new Developed(project({ 'app.js': ECHO }), ['app.js', '--limit-request-body', '1000']).ready()
    expect((await ask(url, '/', { method: 'POST', body: 'x'.repeat(5000), headers: { 'Content-Length': 5000 } })).status).toBe(
      413,
    )
    expect(await ask(url, '/', { method: 'POST', body: 'x'.repeat(900) })).toMatchObject({ status: 201 })
  })

  it('may become a WebSocket, which a change of the code ends', async () => {
    const chat = (version: string): string => `import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
const server = createServer((request, response) => response.end('${version}'))
new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (text) => socket.send('${version} ' + text)))
server.listen(3000)
`
    const directory = project({ 'app.js': chat('1') })
    mkdirSync(join(directory, 'node_modules'))
    symlinkSync(join(CHECKOUT, 'node_modules/ws'), join(directory, 'node_modules/ws'))
    const developed = new Developed(directory)
    const url = await developed.ready()
    const talk = async (): Promise<{ socket: WebSocket; answer: string }> => {
      const socket = new WebSocket(url.replace('http', 'ws'))
      await once(socket, 'open')
      socket.send('hello')
      // The first argument is the data.
      const [data] = (await once(socket, 'message')) as [Buffer]
      return { socket, answer: data.toString() }
    }
    const first = await talk()
    expect(first.answer).toBe('1 hello')
    const closed = once(first.socket, 'close')
    await developed.changed(directory, { 'app.js': chat('2') })
    await closed
    const second = await talk()
    expect(second.answer).toBe('2 hello')
    second.socket.terminate()
    // Other sites' pages cannot have one.
    const foreign = new WebSocket(url.replace('http', 'ws'), { headers: { Host: 'evil.example' } })
    // The first argument is the error.
    const [error] = (await once(foreign, 'error')) as [Error]
    expect(error.message).toContain('403')
  })

  it('is refused in a word where it is no HTTP', async () => {
    const url = await new Developed(project({ 'app.js': ECHO })).ready()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
    socket.write('\u0000\u0001\r\n\r\n')
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })
})

built.describe('static files', () => {
  const files = {
    'app.js': application("'application ' + environ.PATH_INFO"),
    'public/index.html': '<p>index',
    'public/a b.txt': 'twelve bytes',
    'public/.secret': 'no',
    'public/deep/x.css': 'p{}',
    'assets/logo.svg': '<svg/>',
    'robots.txt': 'robots',
    'secret.txt': 'no',
  }
  const args = [
    'app.js',
    '--document-root',
    'public',
    '--url-alias',
    '/static',
    'assets',
    '--url-alias',
    '/robots.txt',
    'robots.txt',
  ]

  it('are served before the application is asked', async () => {
    const url = await new Developed(project(files), args).ready()
    expect(await ask(url, '/')).toMatchObject({
      status: 200,
      body: '<p>index',
      headers: { 'content-type': 'text/html; charset=utf-8' },
    })
    expect((await ask(url, '/a%20b.txt?v=1')).body).toBe('twelve bytes')
    expect((await ask(url, '/static/logo.svg')).headers['content-type']).toBe('image/svg+xml')
    expect((await ask(url, '/robots.txt')).body).toBe('robots')
    expect((await ask(url, '/static/none.svg')).status).toBe(404)
    expect((await ask(url, '/static/logo.svg', { method: 'POST' })).status).toBe(405)
    expect((await ask(url, '/static')).headers.location).toBe('/static/')
    for (const path of ['/none', '/deep', '/robots.txt/x', '/staticx'])
      expect((await ask(url, path)).body).toBe(`application ${path}`)
    expect((await ask(url, '/a%20b.txt', { method: 'POST' })).body).toBe('application /a b.txt')
  })

  it('know ranges and what a client has already', async () => {
    const url = await new Developed(project(files), args).ready()
    const whole = await ask(url, '/a%20b.txt')
    expect(whole.headers['last-modified']).toBeDefined()
    const etag = whole.headers.etag ?? ''
    expect((await ask(url, '/a%20b.txt', { headers: { 'If-None-Match': etag } })).status).toBe(304)
    const part = await ask(url, '/a%20b.txt', { headers: { Range: 'bytes=0-5' } })
    expect([part.status, part.body, part.headers['content-range']]).toEqual([206, 'twelve', 'bytes 0-5/12'])
    expect((await ask(url, '/a%20b.txt', { headers: { Range: 'bytes=99-' } })).status).toBe(416)
    const head = await ask(url, '/a%20b.txt', { method: 'HEAD' })
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '12'])
  })

  it('are never those outside of their directory, nor hidden ones', async () => {
    const directory = project(files)
    writeFileSync(join(dirname(directory), 'outside.txt'), 'no')
    const url = await new Developed(directory, args).ready()
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/static/../secret.txt',
      '/static/..%2fsecret.txt',
      '/static/%2e%2e/secret.txt',
      '/.secret',
      '/static/..%5csecret.txt',
      '/a%00.txt',
      '/%zz',
      '//secret.txt',
      '/static//../../secret.txt',
    ]) {
      const { status, body } = await ask(url, path)
      expect([path, body]).not.toEqual([path, 'no'])
      // The application's own answer, or none: no file either way.
      expect([200, 400, 404]).toContain(status)
      if (status === 200) expect(body).toMatch(/^application /)
    }
  })

  it('are looked for at the start', async () => {
    const developed = new Developed(project({ 'app.js': application("''") }), ['app.js', '--document-root', 'nowhere'])
    expect(await developed.ended).toBe(2)
    expect(developed.output).toContain('--document-root "')
  })
})
