import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'

import type { Wire } from '../../src/proxy/site.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { startNginx } from './running-nginx.ts'
import type { RunningNginx } from './running-nginx.ts'
import type { SiteChanges } from './sites.ts'

/** How a connection of each protocol begins. */
const FIRST: Record<Wire, RegExp> = { fastcgi: /^\x01\x01/, uwsgi: /^\0/, scgi: /^\d+:CONTENT_LENGTH\0/, http: /^GET \// }

/** What came first on each connection to the workers' socket, latin-1. */
const seen: string[] = []
let nginx: RunningNginx | undefined

afterEach(async () => {
  await nginx?.stop()
  nginx = undefined
  seen.length = 0
})

/** A worker's side: upgrades are tunnelled and echoed, FastCGI is closed, which gives a 502. */
function backend(socket: Socket): void {
  socket.on('error', () => {})
  socket.once('data', (data) => {
    const text = data.toString('latin1')
    seen.push(text)
    if (!/websocket/.test(text)) {
      socket.end(FIRST.fastcgi.test(text) ? '' : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-TSGI-Probe: ok\r\n\r\nhi')
      return
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    socket.pipe(socket)
  })
}

async function start(changes: SiteChanges): Promise<number> {
  nginx = await startNginx(changes, backend)
  return nginx.port
}

/** Sends bytes, and `then` once the first answer is there; resolves to everything that came back until the other side is quiet. */
function exchange(port: number, request: string, then?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      if (answer === '' && then !== undefined) socket.write(then)
      answer += text
      if (then !== undefined && answer.endsWith(then)) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

const get = (path: string, ...headers: string[]): string =>
  [
    'GET ',
    path,
    ' HTTP/1.1\r\nHost: Example.test:81\r\nConnection: close\r\n',
    ...headers.map((header) => `${header}\r\n`),
    '\r\n',
  ].join('')
const upgrade = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: Example.test:81\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`

requires('nginx').describe('nginx with a generated configuration', () => {
  it.each<[Wire, Wire]>([
    ['fastcgi', 'uwsgi'],
    ['uwsgi', 'uwsgi'],
    ['scgi', 'scgi'],
    ['http', 'http'],
  ])('over %s carries requests so, and an upgrade over %s, both ways', async (wire, upgradeWire) => {
    const port = await start({ wire, mountPoint: '/app' })
    await exchange(port, get('/app/a%2Fb//c?x=1'))
    expect(seen[0]).toMatch(FIRST[wire])
    expect(seen[0]).toContain('/app/a%2Fb//c?x=1')
    const answer = await exchange(port, upgrade('/app/ws%2F?y=2'), 'ping through the tunnel')
    expect(answer).toMatch(/^HTTP\/1\.1 101 /)
    expect(answer.endsWith('ping through the tunnel')).toBe(true)
    expect(seen.at(-1)).toMatch(FIRST[upgradeWire])
    expect(seen.at(-1)).toContain('/app/ws%2F?y=2')
  })

  it('takes an offer of h2c for the ordinary request it is', async () => {
    const port = await start({ wire: 'fastcgi' })
    await exchange(port, get('/', 'Upgrade: H2C', 'HTTP2-Settings: AAMAAABk'))
    expect(seen[0]).toMatch(FIRST.fastcgi)
  })

  it.each<Wire>(['fastcgi', 'uwsgi', 'scgi', 'http'])('over %s serves the mount point only', async (wire) => {
    const port = await start({ wire, mountPoint: '/app' })
    for (const path of ['/', '/apple', '/app.txt', '/App/']) expect(await exchange(port, get(path))).toMatch(/^HTTP\/1\.1 404 /)
    expect(seen).toEqual([])
    for (const path of ['/app', '/app/', '/app/x']) await exchange(port, get(path))
    // What is closed without an answer has a second try over FastCGI.
    expect(seen).toHaveLength(wire === 'fastcgi' ? 6 : 3)
  })

  it('tells a worker what the client said, and nothing twice', async () => {
    const port = await start({ wire: 'uwsgi', serverName: 'localhost' })
    await exchange(port, get('/x?q', 'Proxy: evil', 'X-Forwarded-For: 6.6.6.6'))
    const vars = readVars(Buffer.from(seen[0] ?? '', 'latin1'))
    expect(Object.fromEntries(vars)).toMatchObject({
      REQUEST_METHOD: 'GET',
      REQUEST_URI: '/x?q',
      SCRIPT_NAME: '',
      PATH_INFO: '/x',
      QUERY_STRING: 'q',
      SERVER_PROTOCOL: 'HTTP/1.1',
      REQUEST_SCHEME: 'http',
      REMOTE_ADDR: '127.0.0.1',
      SERVER_NAME: 'localhost',
      SERVER_PORT: String(port),
      HTTP_HOST: 'Example.test:81',
      SERVER_SOFTWARE: expect.stringMatching(/^nginx\/\d/),
      TSGI_REQUEST_ID: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    const names = vars.map(([name]) => name)
    expect(names).not.toContain('HTTPS')
    expect(names).not.toContain('HTTP_PROXY')
    expect(names).toHaveLength(new Set(names).size)
  })

  it('tells an HTTP worker who the client is, whatever the client claims', async () => {
    const port = await start({ wire: 'http' })
    await exchange(
      port,
      get('/', 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'Forwarded: for=6.6.6.6', 'Proxy: evil'),
    )
    const head = seen[0] ?? ''
    expect(head).toContain('\r\nHost: Example.test:81\r\n')
    expect(head).toContain('\r\nX-Forwarded-For: 127.0.0.1\r\n')
    expect(head).toContain('\r\nX-Forwarded-Proto: http\r\n')
    expect(head).toContain('\r\nX-Forwarded-Host: Example.test:81\r\n')
    expect(head).not.toMatch(/6\.6\.6\.6|evil|\r\nForwarded:|\r\nConnection:|\r\nUpgrade:/)
  })

  it('gives an HTTP worker a Host where an HTTP/1.0 client has none', async () => {
    const port = await start({ wire: 'http', serverName: 'localhost' })
    await exchange(port, 'GET / HTTP/1.0\r\n\r\n')
    expect(seen[0]).toContain('\r\nHost: localhost\r\n')
  })

  it('refuses a body over the limit, and logs visits but no probe', async () => {
    const port = await start({ wire: 'uwsgi', limits: { requestBodyBytes: 10 } })
    const post = 'POST /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 11\r\n\r\n12345678901'
    expect(await exchange(port, post)).toMatch(/^HTTP\/1\.1 413 /)
    // This answer bears the sign of the launcher's probe.
    expect(await exchange(port, get('/probe'))).toMatch(/^HTTP\/1\.1 200 /)
    expect(await exchange(port, post)).not.toMatch(/nginx\/\d/)
    const logged = (): string[] => [...(nginx?.accessLog() ?? '').matchAll(/"(\w+ \S+) HTTP/g)].map((match) => match[1] ?? '')
    await until(() => logged().length >= 2, 'two lines in the access log')
    expect(logged()).toEqual(['POST /big', 'POST /big'])
  })
})

/** `u8 modifier1 | u16le size | u8 modifier2 | (u16le length, bytes)*` */
function readVars(packet: Buffer): [name: string, value: string][] {
  const texts: string[] = []
  const end = 4 + packet.readUInt16LE(1)
  for (let at = 4; at < end;) {
    const length = packet.readUInt16LE(at)
    texts.push(packet.toString('latin1', at + 2, at + 2 + length))
    at += 2 + length
  }
  return texts.flatMap((text, index) => (index % 2 === 0 ? [[text, texts[index + 1] ?? ''] as [string, string]] : []))
}
