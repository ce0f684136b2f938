import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { applicationHandler } from '../../src/gateway/run-application.ts'
import type { Wire } from '../../src/proxy/site.ts'
import { Server } from '../../src/server/server.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { startApache } from '../support/apache.ts'
import type { RunningApache } from '../support/apache.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import type { SiteChanges } from './sites.ts'

const WIRES = ['fastcgi', 'uwsgi', 'scgi', 'http'] as const

/** A name that means something to every reader of configurations. */
const HOSTILE = 'a b"$1%1\\${x}%{y}'

let directory = ''
let apache: RunningApache | undefined
const servers: Server[] = []
const other = createHttpServer((request, response) => {
  if (request.url?.endsWith('/away') === true) response.writeHead(302, { Location: `http://${request.headers.host}/base/there` })
  response.end(`other ${request.url} ${request.headers.host}`)
})
other.on('upgrade', (_, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
  socket.pipe(socket)
})

/** An application that says its name and what it was told. */
async function serveAs(name: string, file: string): Promise<string> {
  const server = new Server({
    handler: applicationHandler((environ, startResponse) => {
      const status = environ.PATH_INFO.endsWith('/missing') ? '404 Not Found' : '200 OK'
      startResponse(status, [['Content-Type', 'text/plain']])
      return `${name} ${JSON.stringify(Object.fromEntries(Object.entries(environ).filter(([, value]) => typeof value === 'string')))}${'x'.repeat(2000)}`
    }),
    log: new CollectedLog(),
  })
  servers.push(server)
  const path = join(directory, file)
  await server.listen({ type: 'unix', path }, { protocol: 'auto' })
  chmodSync(path, 0o777)
  return path
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  chmodSync(directory, 0o755)
  for (const folder of ['public/folder', 'public/.git', 'assets/in', 'assets/.h'])
    mkdirSync(join(directory, folder), { recursive: true })
  for (const file of [
    'public/index.html',
    'public/file.txt',
    'public/folder/index.html',
    'public/.git/config',
    'assets/a.css',
    'assets/in/b.txt',
    'assets/.h/c',
    'secret.txt',
    'closed.html',
    'icon.ico',
  ])
    writeFileSync(join(directory, file), `file ${file}`)
  symlinkSync(join(directory, 'secret.txt'), join(directory, 'public/link.txt'))
  await serveAs('first', 'first.sock')
  await serveAs('second', `${HOSTILE}.sock`)
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  await apache?.stop()
  apache = undefined
  rmSync(join(directory, 'flag'), { force: true })
})

afterAll(async () => {
  await Promise.all(servers.map((server) => server.drain(1000)))
  await new Promise((resolve) => other.close(resolve))
  rmSync(directory, { recursive: true, force: true })
})

async function start(wire: Wire, changes: SiteChanges = {}): Promise<void> {
  apache = await startApache(wire, join(directory, 'first.sock'), changes)
}

interface Got {
  readonly status: number
  readonly head: string
  readonly body: string
  /** The application's name and what it was told; undefined: it did not answer. */
  readonly told?: Record<string, string> & { readonly by: string }
}

/** Sends a request as it is, its Host apart, on a connection of its own. */
async function send(
  target: string,
  { method = 'GET', host = 'tsgi.test', headers = [] as string[], body = '' } = {},
): Promise<Got> {
  const text = await new Promise<string>((resolve, reject) => {
    let answer = ''
    const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers]
    const socket = connect(apache?.port ?? 0, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'))
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const content = rest.join('\r\n\r\n')
  const said = /^(?:[0-9a-f]+\r\n)?(first|second) (\{.*?\})x/.exec(content)
  return {
    status: Number(head.slice(9, 12)),
    head,
    body: content,
    ...(said === null ? {} : { told: { ...(JSON.parse(said[2] ?? '{}') as Record<string, string>), by: said[1] ?? '' } }),
  }
}

const base = (): string =>
  `http://127.0.0.1:${typeof other.address() === 'object' ? (other.address() as { port: number }).port : 0}/base`

requires('apache2').describe('Apache with a generated configuration', () => {
  it.each(WIRES)(
    'over %s serves several applications, by sockets whatever their names, and nothing beside them',
    async (wire) => {
      await start(wire, {
        applications: [
          { mountPoint: '/shop', socketPath: join(directory, 'first.sock'), option: 'mount-point' },
          { mountPoint: '/shop/in side', socketPath: join(directory, `${HOSTILE}.sock`), option: 'mount' },
        ],
      })
      expect((await send('/shop/a%2Fb?q=%20')).told).toMatchObject({
        by: 'first',
        REQUEST_URI: '/shop/a%2Fb?q=%20',
        QUERY_STRING: 'q=%20',
      })
      expect((await send('/shop')).told).toMatchObject({ by: 'first' })
      expect((await send('/shop/in%20side/x')).told).toMatchObject({ by: 'second', REQUEST_URI: '/shop/in%20side/x' })
      for (const target of ['/', '/shopping', '/Shop']) expect((await send(target)).status).toBe(404)
    },
  )

  it.each(WIRES)('over %s tells a worker who the client is, whatever that claims', async (wire) => {
    await start(wire)
    const headers = [
      'Proxy: evil',
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil',
      'Forwarded: for=6.6.6.6',
    ]
    const { told } = await send('/', { headers })
    expect(told).toMatchObject({
      HTTP_X_FORWARDED_FOR: '127.0.0.1',
      HTTP_X_FORWARDED_PROTO: 'http',
      HTTP_X_FORWARDED_HOST: 'tsgi.test',
      HTTP_X_FORWARDED_PORT: String(apache?.port),
      REMOTE_ADDR: '127.0.0.1',
      HTTP_HOST: 'tsgi.test',
      'tsgi.url_scheme': 'http',
    })
    expect(JSON.stringify(told)).not.toMatch(/6\.6\.6\.6|evil/)
    if (wire !== 'http') expect(told?.TSGI_REQUEST_ID).toMatch(/^[\w@-]{20,}$/)
    if (wire === 'fastcgi') {
      expect(told?.SERVER_SOFTWARE).toMatch(/^Apache\/2\.4/)
      expect(Object.keys(told ?? {})).not.toEqual(expect.arrayContaining(['PATH']))
    }
  })

  it('believes a trusted proxy, and nobody else', async () => {
    const headers = [
      'X-Forwarded-For: 9.9.9.9',
      'X-Forwarded-Proto: https, http',
      'X-Forwarded-Host: shown.test, b',
      'X-Forwarded-Port: 444',
    ]
    await start('fastcgi', { trust: { networks: ['127.0.0.0/8'], header: 'X-Forwarded-For' } })
    expect((await send('/', { headers })).told).toMatchObject({
      REMOTE_ADDR: '9.9.9.9',
      HTTP_X_FORWARDED_FOR: '9.9.9.9',
      HTTP_HOST: 'shown.test',
      HTTPS: 'on',
      SERVER_PORT: '444',
      'tsgi.url_scheme': 'https',
    })
    expect((await send('/', { headers: ['X-Forwarded-Proto: https'] })).told).toMatchObject({
      SERVER_PORT: '443',
      HTTP_HOST: 'tsgi.test',
    })
    await apache?.stop()
    await start('fastcgi', { trust: { networks: ['10.0.0.0/8', '::1'], header: 'X-Forwarded-For' } })
    const { told } = await send('/', { headers })
    expect(told).toMatchObject({ REMOTE_ADDR: '127.0.0.1', HTTP_HOST: 'tsgi.test', 'tsgi.url_scheme': 'http' })
  })

  it('answers to its names, 421 to others, and leads to the canonical one', async () => {
    await start('fastcgi', {
      serverName: 'www.tsgi.test',
      hosts: { names: ['www.tsgi.test', '*.apps.test'], redirected: 'tsgi.test', localhost: true },
      proxyHosts: [{ host: 'other.test', backend: base() }],
    })
    for (const host of ['www.tsgi.test', 'WWW.tsgi.test:81', 'a.apps.test', 'localhost', '127.0.0.1:80', '[::1]'])
      expect((await send('/', { host })).told?.by, host).toBe('first')
    for (const host of ['evil.test', 'apps.test', 'www.tsgi.test.evil', 'xtsgi.test'])
      expect((await send('/', { host })).status, host).toBe(421)
    const moved = await send('/a%2Fb?q=%20', { host: 'tsgi.test' })
    expect(moved.status).toBe(301)
    expect(moved.head).toContain(`Location: http://www.tsgi.test:${apache?.port}/a%2Fb?q=%20\r\n`)
    expect((await send('/x', { host: 'other.test' })).body).toContain('other /base/x ')
  })

  it('serves files before the application, and none that is hidden', async () => {
    await start('fastcgi', {
      files: {
        documentRoot: join(directory, 'public'),
        aliases: [
          { url: '/static', path: join(directory, 'assets'), kind: 'directory' },
          { url: '/favicon.ico', path: join(directory, 'icon.ico'), kind: 'file' },
        ],
        directoryIndex: 'index.html',
        directoryListing: false,
      },
    })
    for (const [target, body] of [
      ['/', 'file public/index.html'],
      ['/file.txt', 'file public/file.txt'],
      ['/folder/', 'file public/folder/index.html'],
      ['/link.txt', 'file secret.txt'],
      ['/static/a.css', 'file assets/a.css'],
      ['/static/in/b.txt', 'file assets/in/b.txt'],
      ['/favicon.ico', 'file icon.ico'],
    ] as const)
      expect((await send(target)).body, target).toBe(body)
    expect((await send('/static/a.css')).head).toMatch(/Content-Type: text\/css/)
    for (const target of [
      '/folder',
      '/.git/config',
      '/none',
      '/static/../secret.txt',
      '/..%2fsecret.txt',
      '/static/..%2fsecret.txt',
    ])
      expect((await send(target)).told?.by, target).toBe('first')
    for (const target of ['/static/', '/static/none', '/static/in/', '/static/.h/c', '/static/%2eh/c', '/favicon.ico/x'])
      expect((await send(target)).status, target).toBe(404)
    const moved = await send('/static/in?q', { host: 'name.test:99' })
    expect(moved.status).toBe(301)
    expect(moved.head).toContain('Location: http://name.test:99/static/in/?q\r\n')
  })

  it('lists directories where that is asked for', async () => {
    await start('fastcgi', {
      files: {
        documentRoot: join(directory, 'public'),
        aliases: [{ url: '/static', path: join(directory, 'assets'), kind: 'directory' }],
        directoryListing: true,
      },
    })
    expect((await send('/static/')).body).toMatch(/a\.css/)
    expect((await send('/static/')).body).not.toMatch(/\.h/)
    expect((await send('/folder/')).body).toMatch(/index\.html/)
    expect((await send('/folder')).status).toBe(301)
    expect((await send('/.git/')).told?.by).toBe('first')
  })

  it('passes to other servers, WebSockets too', async () => {
    await start('fastcgi', { proxyMounts: [{ url: '/other', backend: base() }] })
    expect((await send('/other/a%2Fb?q')).body).toContain(`other /base/a%2Fb?q ${new URL(base()).host}`)
    expect((await send('/other/away')).head).toContain('Location: /other/there\r\n')
    expect((await send('/other')).status).toBe(308)
    expect((await send('/others')).told?.by).toBe('first')
    const socket = connect(apache?.port ?? 0, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (part: string) => (text += part))
    socket.write('GET /other/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    await until(() => text.includes('101'), 'the upgrade')
    socket.write('through')
    await until(() => text.endsWith('through'), 'the echo')
    socket.destroy()
  })

  it('shows its pages for errors, and for the application its own unless told otherwise', async () => {
    const files = {
      documentRoot: join(directory, 'public'),
      aliases: [{ url: '/static', path: join(directory, 'assets'), kind: 'directory' as const }],
      directoryListing: false,
    }
    await start('fastcgi', { files, errorDocuments: [{ code: 404, url: '/file.txt' }] })
    expect(await send('/static/none')).toMatchObject({ status: 404, body: 'file public/file.txt' })
    expect((await send('/missing')).told?.by).toBe('first')
    await apache?.stop()
    await start('fastcgi', { files, errorDocuments: [{ code: 404, url: '/page for it' }], errorOverride: true })
    const shown = await send('/missing?q')
    expect(shown.status).toBe(404)
    expect(shown.told).toMatchObject({ by: 'first', REQUEST_URI: '/page%20for%20it' })
  })

  it('has a page for maintenance, and for when no worker is there', async () => {
    const maintenance = { page: join(directory, 'closed.html'), flag: join(directory, 'flag'), retryAfterS: 30 }
    await start('fastcgi', { maintenance })
    expect((await send('/')).told?.by).toBe('first')
    expect((await send('/tsgi-maintenance.html')).status).toBe(404)
    writeFileSync(maintenance.flag, '')
    for (const target of ['/', '/x/y']) {
      const closed = await send(target, { method: target === '/' ? 'POST' : 'GET', headers: ['Content-Length: 0'] })
      expect(closed).toMatchObject({ status: 503, body: 'file closed.html' })
      expect(closed.head).toMatch(/Retry-After: 30\r\n/)
    }
    rmSync(maintenance.flag)
    expect((await send('/')).told?.by).toBe('first')
    await apache?.stop()
    await start('fastcgi', { maintenance, socketPath: join(directory, 'nobody.sock') })
    expect(await send('/')).toMatchObject({ status: 503, body: 'file closed.html' })
  })

  it('compresses text for those who take it', async () => {
    await start('fastcgi', { compress: true })
    const compressed = await send('/', { headers: ['Accept-Encoding: gzip'] })
    expect(compressed.head).toMatch(/Content-Encoding: gzip/)
    expect(compressed.head).toMatch(/Vary: Accept-Encoding/)
    expect((await send('/')).head).not.toMatch(/Content-Encoding/)
  })

  it('refuses a body over the limit, and writes the log that is asked for', async () => {
    const accessFormat = '%(m)s %(U)s [%(q)s] %(s)s "%({x-it}i)s" "%({content-type}o)s"'
    await start('http', {
      limits: { requestBodyBytes: 10 },
      logs: { access: { file: join(directory, 'access.log') }, accessFormat, error: 'terminal', level: 'error' },
    })
    // Opened by the first process of httpd, which may write there.
    expect(
      (await send('/x', { method: 'POST', headers: ['Content-Length: 11', 'X-It: a"b\\'], body: '12345678901' })).status,
    ).toBe(413)
    await send('/a?b=c', { headers: ['X-It: a"b\x01'] })
    const { readFileSync } = await import('node:fs')
    const lines = (): string[] => readFileSync(join(directory, 'access.log'), 'utf8').trimEnd().split('\n')
    await until(() => lines().length === 2, 'two lines')
    expect(lines()[0]).toMatch(/^POST \/x \[-?\] 413 "a\\"b\\\\" /)
  })

  it('has a file of its own rules', async () => {
    const file = join(directory, 'mine.conf')
    writeFileSync(file, 'Header always set X-Mine yes\n')
    await start('fastcgi', { includeFiles: [file] })
    expect((await send('/')).head).toMatch(/X-Mine: yes/)
  })
})
