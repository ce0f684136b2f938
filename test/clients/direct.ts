import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { nodeHandler } from '../../src/adapters/node-application.ts'
import { applicationHandler } from '../../src/gateway/run-application.ts'
import type { Application } from '../../src/interface/application.ts'
import type { ClientLimits } from '../../src/server/client-limits.ts'
import { Server, type ListenOptions, type ServerOptions } from '../../src/server/server.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { until } from '../support/until.ts'

/** The limits of `tsgi serve` without options. */
export const LIMITS: ClientLimits = {
  connectionLimit: 10_000,
  maxTargetBytes: 8190,
  maxHeadBytes: 16_384,
  maxFields: 100,
  headerTimeoutMs: 15_000,
  bodyTimeoutMs: 30_000,
  bodyMaxTimeoutMs: undefined,
  sendTimeoutMs: 60_000,
  keepAliveTimeoutMs: 65_000,
  trustProxy: [],
  trustProxyHeader: 'X-Forwarded-For',
}

export interface Direct {
  readonly port: number
  readonly log: CollectedLog
  readonly server: Server
}

/** An application of one kind on a TCP port of its own, with these limits, until the test ends. */
export async function direct(
  application: Application | { listener: RequestListener },
  limits: Partial<ClientLimits> = {},
  options: Partial<ServerOptions> & ListenOptions = {},
): Promise<Direct> {
  const log = new CollectedLog()
  const { protocol = 'auto', ...rest } = options
  const handler =
    'listener' in application ? nodeHandler(createServer(application.listener), log) : applicationHandler(application)
  const server = new Server({ handler, log, clients: { ...LIMITS, ...limits }, ...rest })
  const address = await server.listen({ type: 'tcp', host: '127.0.0.1', port: 0 }, { protocol })
  onTestFinished(async () => void (await server.drain(200)))
  if (address.type !== 'tcp') throw new Error('not TCP')
  return { port: address.port, log, server }
}

/** A connection of a client: what it has received, as latin-1, and when it was closed. */
export class Client {
  readonly socket: Socket
  text = ''
  closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1').on('data', (piece: string) => (this.text += piece))
    socket.on('error', () => {})
    socket.on('close', () => (this.closed = true))
    onTestFinished(() => void socket.destroy())
  }

  static async open(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1')
    const client = new Client(socket)
    await once(socket, 'connect')
    return client
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Everything that comes until the server closes. */
  async whole(): Promise<string> {
    await until(() => this.closed, 'the end of the connection')
    return this.text
  }

  /** Status lines, in their order. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
  }
}

/** Sends one request as it is written, and gives all that comes back on a connection that ends behind it. */
export async function ask(port: number, request: string): Promise<string> {
  const client = await Client.open(port)
  return client.send(request).whole()
}
