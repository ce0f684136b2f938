import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import type { Server as NetServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { nodeHandler } from '../../src/adapters/node-application.ts'
import type { RequestHandler } from '../../src/gateway/request-handler.ts'
import { applicationHandler } from '../../src/gateway/run-application.ts'
import type { Application } from '../../src/interface/application.ts'
import { Server } from '../../src/server/server.ts'
import type { ServerOptions } from '../../src/server/server.ts'
import type { Wire } from '../../src/proxy/site.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { nginxText, siteIn } from '../proxy/sites.ts'
import { startApache } from '../support/apache.ts'
import { findExecutable, requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { uwsgiRequest } from '../wire/uwsgi.ts'
import { gatewayParams } from '../wire/request.ts'

/** How an upgrade reaches the server. */
export interface Way {
  readonly name: string
  readonly wire: Wire
  /** What is in front of it. */
  readonly proxy?: 'nginx' | 'Apache'
}

export const DIRECT: readonly Way[] = [
  { name: 'uwsgi', wire: 'uwsgi' },
  { name: 'HTTP', wire: 'http' },
]

const WIRES = ['fastcgi', 'uwsgi', 'scgi', 'http'] as const

export const PROXIED: readonly Way[] = (['nginx', 'Apache'] as const).flatMap((proxy) =>
  WIRES.map((wire) => ({ name: `${proxy} with wire ${wire}`, wire, proxy })),
)

export const EVERY_WAY: readonly Way[] = [...DIRECT, ...PROXIED]

/** A server, what is in front of it, and where its clients connect: one for each test. */
export class UpgradeBench {
  readonly way: Way
  readonly log = new CollectedLog()
  readonly #mountPoint: string
  readonly #root = mkdtempSync(join(tmpdir(), 'tsgi-upgrade-'))
  #server: Server | undefined
  #port = 0
  #leave: (() => Promise<void>)[] = []

  constructor(way: Way, mountPoint = '') {
    this.way = way
    this.#mountPoint = mountPoint
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error('nothing is served')
    return this.#server
  }

  get port(): number {
    return this.#port
  }

  /** Serves a TSGI application. */
  serve(application: Application): Promise<void> {
    return this.start(applicationHandler(application))
  }

  /** Serves the listeners of a `node:http` server. */
  serveNode(set: (server: ReturnType<typeof createHttpServer>) => void, options: Partial<ServerOptions> = {}): Promise<void> {
    const server = createHttpServer()
    set(server)
    return this.start(nodeHandler(server, this.log), options)
  }

  async start(handler: RequestHandler, options: Partial<ServerOptions> = {}): Promise<void> {
    const { wire, proxy } = this.way
    this.#server = new Server({ handler, log: this.log, mountPoint: this.#mountPoint, ...options })
    const server = this.#server
    this.#leave.push(async () => void (await server.drain(0)))
    if (wire === 'http' && proxy === undefined) {
      const bound = await server.listen({ type: 'tcp', host: '127.0.0.1', port: 0 })
      if (bound.type === 'tcp') this.#port = bound.port
      return
    }
    const socketPath = join(this.#root, 'tsgi.sock')
    await server.listen({ type: 'unix', path: socketPath })
    if (proxy === 'nginx') await this.#startNginx(socketPath)
    else if (proxy === 'Apache') await this.#startApache(socketPath)
    else await this.#startGateway(socketPath)
  }

  async stop(): Promise<void> {
    for (const leave of this.#leave.toReversed()) await leave()
    rmSync(this.#root, { recursive: true, force: true })
  }

  /** A WebSocket that is open. */
  open(path = '/', options: ConstructorParameters<typeof WebSocket>[2] = {}): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}${path}`, options)
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve(socket))
      socket.on('error', reject)
    })
  }

  /** A connection on which nothing was said. */
  async raw(): Promise<RawClient> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawClient(socket)
  }

  async #startNginx(socketPath: string): Promise<void> {
    mkdirSync(join(this.#root, 'temp'))
    this.#port = await freePort()
    const site = siteIn(this.#root, {
      wire: this.way.wire,
      socketPath,
      mountPoint: this.#mountPoint,
      listen: [{ host: '127.0.0.1', port: this.#port }],
      proxyWorkers: 1,
      ...(process.getuid?.() === 0 ? { runAs: { user: 'root', group: 'root' } } : {}),
    })
    const file = join(this.#root, 'nginx.conf')
    writeFileSync(file, nginxText(site))
    const errorLog = join(this.#root, 'error.log')
    const child = spawn(findExecutable('nginx') ?? 'nginx', ['-e', errorLog, '-p', this.#root, '-c', file], { stdio: 'ignore' })
    let ended = false
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => {
        ended = true
        resolve()
      })
    })
    this.#leave.push(async () => {
      child.kill('SIGTERM')
      await exited
    })
    let accepts = false
    const attempt = (): void => {
      const socket = connect(this.#port, '127.0.0.1', () => {
        accepts = true
        socket.destroy()
      })
      socket.on('error', () => {
        if (!ended) setTimeout(attempt, 5)
      })
    }
    attempt()
    await until(() => accepts || ended, 'nginx')
    if (ended) throw new Error(readFileSync(errorLog, 'utf8'))
  }

  async #startApache(socketPath: string): Promise<void> {
    // httpd's workers are another user than the test, where that is root.
    chmodSync(this.#root, 0o755)
    chmodSync(socketPath, 0o777)
    const apache = await startApache(this.way.wire, socketPath, { mountPoint: this.#mountPoint })
    this.#port = apache.port
    this.#leave.push(() => apache.stop())
  }

  /** In front of a uwsgi socket what makes HTTP's requests uwsgi's, and then passes bytes both ways. */
  async #startGateway(socketPath: string): Promise<void> {
    const sockets = new Set<Socket>()
    const gateway: NetServer = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ path: socketPath, allowHalfOpen: true })
      for (const socket of [client, upstream]) sockets.add(socket)
      let head = Buffer.alloc(0)
      const onData = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk])
        const end = head.indexOf('\r\n\r\n')
        if (end === -1) return
        client.off('data', onData)
        // One write: what follows the request reaches the server together with it.
        upstream.write(Buffer.concat([uwsgiRequest(paramsOf(head.toString('latin1', 0, end), client)), head.subarray(end + 4)]))
        client.pipe(upstream)
        upstream.pipe(client)
      }
      client.on('data', onData)
      client.on('error', () => upstream.destroy())
      upstream.on('error', () => client.destroy())
      client.on('close', () => upstream.destroy())
      upstream.on('close', () => client.destroy())
    })
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
    const address = gateway.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
    this.#leave.push(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => gateway.close(resolve))
    })
  }
}

function paramsOf(head: string, client: Socket): string[] {
  const [first = '', ...lines] = head.split('\r\n')
  const [method = '', target = ''] = first.split(' ')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  const params = { REMOTE_ADDR: client.remoteAddress, REMOTE_PORT: String(client.remotePort), SERVER_ADDR: '127.0.0.1' }
  return gatewayParams({ method, target, headers, params, ...(length === undefined ? {} : { length: Number(length) }) })
}

/** What a socket has received, and how it ended. */
export class RawClient {
  readonly socket: Socket
  text = ''
  ended = false
  closed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => (this.text += text))
    socket.on('end', () => (this.ended = true))
    socket.on('close', () => (this.closed = true))
    socket.on('error', () => {})
  }

  /** Waits for text behind what was waited for before. */
  async expect(text: string): Promise<void> {
    await until(() => this.text.includes(text) || this.closed, JSON.stringify(text))
    if (!this.text.includes(text)) throw new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(this.text.slice(0, 500))}`)
  }
}

export function upgradeRequest(protocol: string, ...fields: readonly string[]): string {
  return [
    'GET /raw HTTP/1.1',
    'Host: tsgi.test',
    'Connection: keep-alive, Upgrade',
    `Upgrade: ${protocol}`,
    ...fields,
    '\r\n',
  ].join('\r\n')
}

export const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'

/** Sends every message back. */
export function echoServer(server: ReturnType<typeof createHttpServer>): WebSocketServer {
  const webSockets = new WebSocketServer({ server, perMessageDeflate: true })
  webSockets.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  return webSockets
}

/** Registers the same tests for each way; each test starts what it serves. */
export function over(ways: readonly Way[], title: string, body: (bench: () => UpgradeBench) => void, mountPoint = ''): void {
  for (const way of ways) {
    const register = way.proxy === undefined ? describe : requires(way.proxy === 'nginx' ? 'nginx' : 'apache2').describe
    register(`${title}, over ${way.name}`, () => {
      let bench = new UpgradeBench(way, mountPoint)
      let used = false
      beforeEach(() => {
        if (used) bench = new UpgradeBench(way, mountPoint)
        used = true
      })
      afterEach(() => bench.stop())
      body(() => bench)
    })
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
