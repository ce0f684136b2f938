import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { applicationHandler } from '../../src/gateway/run-application.ts'
import type { Application } from '../../src/interface/application.ts'
import { Server, type ServerOptions } from '../../src/server/server.ts'
import { startApache, type RunningApache } from '../support/apache.ts'
import { DEFAULT_TIMEOUTS } from '../proxy/sites.ts'
import { startNginx, type NginxOptions, type RunningNginx } from '../support/nginx.ts'
import { requires } from '../support/requirements.ts'
import type { WireAddress } from '../wire/connection.ts'
import { Exchange, type Answer, type ExchangeOptions, type Wire } from '../wire/exchange.ts'
import type { WireRequest } from '../wire/request.ts'
import { CollectedLog } from './collected-log.ts'
import { until } from '../support/until.ts'

/** How requests reach the server: by one protocol directly, or as HTTP through a proxy. */
export interface Way {
  name: string
  /** What the server speaks. */
  wire: Wire
  proxied: boolean
  /** Which proxy. Default: nginx. */
  proxy?: 'apache'
}

export const DIRECT_WAYS: readonly Way[] = [
  { name: 'uwsgi', wire: 'uwsgi', proxied: false },
  { name: 'FastCGI', wire: 'fastcgi', proxied: false },
  { name: 'SCGI', wire: 'scgi', proxied: false },
  { name: 'HTTP', wire: 'http', proxied: false },
]

export const NGINX_WAYS: readonly Way[] = [
  { name: 'uwsgi behind nginx', wire: 'uwsgi', proxied: true },
  { name: 'FastCGI behind nginx', wire: 'fastcgi', proxied: true },
  { name: 'SCGI behind nginx', wire: 'scgi', proxied: true },
  { name: 'HTTP behind nginx', wire: 'http', proxied: true },
]

/** nginx before 1.29.6 announces a wrong length of a body that it streams over SCGI. */
export const STREAMING_NGINX_WAYS: readonly Way[] = NGINX_WAYS.filter(({ wire }) => wire !== 'scgi')

export const APACHE_WAYS: readonly Way[] = [
  { name: 'uwsgi behind Apache', wire: 'uwsgi', proxied: true, proxy: 'apache' },
  { name: 'FastCGI behind Apache', wire: 'fastcgi', proxied: true, proxy: 'apache' },
  { name: 'SCGI behind Apache', wire: 'scgi', proxied: true, proxy: 'apache' },
  { name: 'HTTP behind Apache', wire: 'http', proxied: true, proxy: 'apache' },
]

export const EVERY_WAY: readonly Way[] = [...DIRECT_WAYS, ...NGINX_WAYS, ...APACHE_WAYS]

/** httpd does not look after a client while it waits for a worker: it notices one that has left when it writes to it. */
export const WATCHFUL_WAYS: readonly Way[] = [...DIRECT_WAYS, ...NGINX_WAYS]

/** httpd closes a connection behind a response that was given up only when it has been idle for so long. */
const APACHE_KEEP_ALIVE_MS = 500

/** A server with an application that each test chooses, and a client that reaches it one way. */
export class Bench {
  readonly way: Way
  readonly log = new CollectedLog()
  readonly #options: OverOptions
  #application: Application | undefined
  #server: Server | undefined
  #nginx: RunningNginx | undefined
  #apache: RunningApache | undefined
  #directory = ''

  constructor(way: Way, options: OverOptions = {}) {
    this.way = way
    this.#options = options
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error('the server is not started')
    return this.#server
  }

  get nginx(): RunningNginx {
    if (this.#nginx === undefined) throw new Error('there is no nginx')
    return this.#nginx
  }

  /** Where the proxy is reached. */
  get proxyPort(): number {
    return this.#apache?.port ?? this.nginx.port
  }

  /** The server's own socket. */
  get serverAddress(): WireAddress {
    return { type: 'unix', path: join(this.#directory, 'app.sock') }
  }

  /** Where requests go: the server's socket, or the proxy. */
  get address(): WireAddress {
    return this.way.proxied ? { type: 'tcp', host: '127.0.0.1', port: this.proxyPort } : this.serverAddress
  }

  /** What the client speaks. */
  get clientWire(): Wire {
    return this.way.proxied ? 'http' : this.way.wire
  }

  async start(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'tsgi-wire-'))
    this.#server = new Server({
      handler: applicationHandler((environ, startResponse) => {
        if (this.#application === undefined) throw new Error('the test has chosen no application')
        return this.#application(environ, startResponse)
      }),
      log: this.log,
      ...this.#options.server,
    })
    const socketPath = join(this.#directory, 'app.sock')
    await this.#server.listen(
      { type: 'unix', path: socketPath },
      { protocol: this.#options.protocolGiven === true ? this.way.wire : 'auto' },
    )
    if (this.way.proxy === 'apache') {
      // httpd's workers are another user than the test, where that is root.
      await chmod(this.#directory, 0o755)
      await chmod(socketPath, 0o777)
      this.#apache = await startApache(this.way.wire, socketPath, {
        timeouts: { ...DEFAULT_TIMEOUTS, keepAliveMs: APACHE_KEEP_ALIVE_MS, shutdownMs: 1000 },
      })
    } else if (this.way.proxied) {
      this.#nginx = await startNginx({ wire: this.way.wire, socketPath, ...this.#options.nginx })
    }
  }

  async stop(): Promise<void> {
    await this.#nginx?.stop()
    await this.#apache?.stop()
    await this.#server?.drain(1000)
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** Chooses the application for what follows. */
  use(application: Application): void {
    this.#application = application
  }

  reset(): void {
    this.#application = undefined
    this.log.entries.length = 0
  }

  begin(request: WireRequest, options: ExchangeOptions = {}): Promise<Exchange> {
    return Exchange.begin(this.address, this.clientWire, request, options)
  }

  /** Sends a request and waits for the whole response, on a connection of its own unless one is given. */
  async send(request: WireRequest, options: ExchangeOptions = {}): Promise<Answer> {
    const exchange = await this.begin(request, options)
    try {
      if (request.body !== undefined) await exchange.sendBody(request.body)
      await exchange.endBody()
      return await exchange.answer()
    } finally {
      if (options.connection === undefined) exchange.leave()
    }
  }

  /** Resolves when no request is in flight any more. */
  async idle(): Promise<void> {
    await until(() => this.server.requestsInFlight === 0, 'the end of all requests in flight')
  }
}

export interface OverOptions {
  server?: Partial<ServerOptions>
  nginx?: Partial<NginxOptions>
  /** The listener is told its protocol. Default: the first byte tells. */
  protocolGiven?: boolean
  /** Whether the server must be left without a request in flight behind each test. Default true. */
  idleAfterEach?: boolean
}

/** With another nginx than the installed one, only what is behind it is of interest, where anything is: the rest is no other. */
function ofInterest(ways: readonly Way[]): readonly Way[] {
  const behindNginx = ways.filter((way) => way.proxied && way.proxy === undefined)
  return process.env.TSGI_TEST_NGINX === undefined || behindNginx.length === 0 ? ways : behindNginx
}

/** Registers the same tests for each way. The server starts once for a way; each test chooses its application. */
export function over(ways: readonly Way[], title: string, body: (bench: Bench) => void, options: OverOptions = {}): void {
  for (const way of ofInterest(ways)) {
    const register = way.proxied ? requires(way.proxy === 'apache' ? 'apache2' : 'nginx').describe : describe
    register(`${title}, over ${way.name}`, () => {
      const bench = new Bench(way, options)
      beforeAll(() => bench.start())
      afterAll(() => bench.stop())
      beforeEach(() => bench.reset())
      afterEach(async () => {
        if (options.idleAfterEach ?? true) await bench.idle()
      })
      body(bench)
    })
  }
}

/** Fails with what the response was. A test that expects a whole response looks at this first. */
export function expectComplete(answer: Answer, status = 200): void {
  expect({ state: answer.state, problem: answer.problem, status: answer.status }).toEqual({
    state: 'complete',
    problem: undefined,
    status,
  })
}
