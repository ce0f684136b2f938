import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchHandler } from '../../../src/adapters/fetch-application.ts'
import { nodeHandler } from '../../../src/adapters/node-application.ts'
import type { RequestHandler } from '../../../src/gateway/request-handler.ts'
import { applicationHandler } from '../../../src/gateway/run-application.ts'
import { TsgiError } from '../../../src/interface/errors.ts'
import type { Logger } from '../../../src/interface/logger.ts'
import type { BindAddress } from '../../../src/server/address.ts'
import type { ClientLimits } from '../../../src/server/client-limits.ts'
import { Server } from '../../../src/server/server.ts'
import { cut, seeded } from '../../protocol/drive.ts'
import { settled, until } from '../../support/until.ts'
import { Finding } from '../target.ts'
import type { Random } from '../target.ts'
import { askedApplication, askedFetch, askedListener } from './application.ts'
import type { Asked } from './application.ts'
import { hashOf } from './hash.ts'

/** The kinds of applications. */
export type Kind = 'tsgi' | 'node' | 'fetch'

const HANDLERS: Readonly<Record<Kind, (asked: Asked[], log: Logger) => RequestHandler>> = {
  tsgi: (asked) => applicationHandler(askedApplication(asked)),
  node: (asked, log) => nodeHandler(createServer(askedListener(asked)), log),
  fetch: (asked) => fetchHandler({ fetch: askedFetch(asked) }),
}

/** How long a connection may take to be closed when its client has sent all that it will, milliseconds. */
const CLOSE_MS = 8000

/** Turns of the event loop between what is sent last and the client's end. */
const TURNS = 4

/** A server in this process, and clients that send it anything. */
export class LiveServer {
  readonly #kind: Kind
  readonly #clients: ClientLimits | undefined
  readonly #asked: Asked[] = []
  /** What went wrong in a way that no client may cause. */
  readonly #unexplained: unknown[] = []
  readonly #directory = mkdtempSync(join(tmpdir(), 'tsgi-fuzz-'))
  #server: Server | undefined
  #openBefore = 0
  #address: BindAddress | undefined

  /** `clients`: over TCP, for clients without a proxy; else a unix socket. */
  constructor(kind: Kind, clients?: ClientLimits) {
    this.#kind = kind
    this.#clients = clients
  }

  async start(): Promise<void> {
    this.#openBefore = openConnections()
    const told = (_message: string, error?: unknown): void => {
      // What an application throws is reported in one of ours.
      if (error !== undefined && !(error instanceof TsgiError) && !String(error).includes('as it is meant to')) {
        this.#unexplained.push(error)
      }
    }
    const log: Logger = { error: told, warn: told, info: () => {}, debug: () => {} }
    const handler = HANDLERS[this.#kind](this.#asked, log)
    this.#server = new Server({ handler, log, maxRequestBodyBytes: 20_000, clients: this.#clients })
    process.on('unhandledRejection', (reason) => this.#unexplained.push(reason))
    this.#address = await this.#server.listen(
      this.#clients === undefined
        ? { type: 'unix', path: join(this.#directory, 'app.sock') }
        : { type: 'tcp', host: '127.0.0.1', port: 0 },
    )
  }

  /** Sends the bytes on a connection of their own. Gives what the application was asked. */
  async send(input: Uint8Array): Promise<readonly Asked[]> {
    this.#asked.length = 0
    const random = seeded(hashOf(input))
    const socket = this.#connect(random)
    const closed = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), CLOSE_MS)
      socket.on('close', () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
    socket.on('error', () => {})
    socket.resume()
    const offsets = Array.from({ length: random(3) }, () => random(input.length + 1)).sort((a, b) => a - b)
    for (const piece of cut(input, offsets)) {
      socket.write(piece)
      if (offsets.length > 0) await turn()
    }
    for (let turns = 0; turns < TURNS; turns++) await turn()
    // Most leave in order; some vanish.
    if (random(8) === 0) socket.destroy()
    else socket.end()
    const isClosed = await closed
    socket.destroy()
    if (!isClosed) throw new Finding('the connection is not closed when its client has closed it')
    for (let turns = 0; turns < 1000 && this.#inFlight > 0; turns++) await turn()
    if (this.#inFlight > 0) await until(() => this.#inFlight === 0, 'the end of all requests', CLOSE_MS)
    const [unexplained] = this.#unexplained.splice(0)
    if (unexplained !== undefined) throw new Finding(`logged: ${String(unexplained)}`, { cause: unexplained })
    return this.#asked
  }

  async stop(): Promise<void> {
    await this.#server?.drain(1000)
    const left = (await settled(openConnections, 'connections')) - this.#openBefore
    rmSync(this.#directory, { recursive: true, force: true })
    if (left > 0) throw new Finding(`${left} connections are left`)
  }

  get #inFlight(): number {
    return this.#server?.requestsInFlight ?? 0
  }

  #connect(random: Random): Socket {
    const address = this.#address
    if (address?.type === 'unix') return connect({ path: address.path, allowHalfOpen: true })
    if (address?.type !== 'tcp') throw new Error('the server is not started')
    // Of many addresses: those of closed connections are not free at once.
    const localAddress = `127.0.${random(200)}.${1 + random(200)}`
    return connect({ host: address.host, port: address.port, localAddress, allowHalfOpen: true })
  }
}

/** Of this thread, whoever has them. */
function openConnections(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(?:Pipe|TCPSocket)Wrap$/.test(name)).length
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
