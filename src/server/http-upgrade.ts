import { ServerResponse } from 'node:http'
import type { IncomingMessage, Server as NodeHttpServer } from 'node:http'
import type { Socket } from 'node:net'
import { SWITCHING_PROTOCOLS } from '../gateway/request-meter.ts'
import { isUpgrade, withoutUpgradeToken } from '../gateway/upgrade.ts'
import { describeClient } from '../gateway/peer.ts'
import type { ConnectionServer } from './connection.ts'
import { logNodeUpgrade } from './http-access.ts'
import { HttpTransport } from './http-connection.ts'
import { describePeer, mountNodeRequest } from './http-node-request.ts'
import { isBehindProxy } from './http-peer.ts'

/**
 * Requests to change the protocol, on the connections of `node:http`. It takes each for one that must have its connection, while
 * many a client only offers: those are handed back to it as the ordinary requests that they are.
 */
export class HttpUpgrades {
  readonly #server: ConnectionServer
  readonly #http: NodeHttpServer
  readonly #transports: Set<HttpTransport>
  readonly #admits: (request: IncomingMessage, response: ServerResponse) => boolean

  /** `transports`: the exchanges that are given up with the server. `admits`: judges a request, and answers what it refuses. */
  constructor(
    server: ConnectionServer,
    http: NodeHttpServer,
    transports: Set<HttpTransport>,
    admits: (request: IncomingMessage, response: ServerResponse) => boolean,
  ) {
    this.#server = server
    this.#http = http
    this.#transports = transports
    this.#admits = admits
    http.on('upgrade', (request, _stream, head) => this.#upgrade(request, head))
  }

  /** Whether the application is to have the connection. Node 20 does not ask; see `#putBack`. */
  wants(request: IncomingMessage): boolean {
    const { headers } = request
    if (headers.upgrade === undefined || !isUpgrade(headers.upgrade, headers.connection)) return false
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) return false
    const { node } = this.#server.handler
    // A TSGI application may find in the environ that it is asked, and may as well answer as ever.
    return node === undefined || (headers['x-tsgi-probe'] === undefined && node.takesUpgrades())
  }

  #upgrade(request: IncomingMessage, head: Buffer): void {
    const { socket } = request
    const { node } = this.#server.handler
    const protocol = request.headers.upgrade ?? ''
    const { access, meter, mountPoint } = this.#server.context
    if (!this.wants(request)) {
      this.#putBack(request, head)
      return
    }
    const response = this.#admitted(request)
    if (response === undefined) return
    if (node === undefined) {
      this.#serve(request, response, head)
      return
    }
    response.detachSocket(socket)
    if (mountNodeRequest(request, mountPoint)) {
      if (isBehindProxy(socket)) describePeer(request)
      this.#server.connectionTaken(socket, protocol)
      if (access !== undefined) logNodeUpgrade(access, request)
      meter?.ended(SWITCHING_PROTOCOLS, performance.now())
      node.upgrade(request, socket, head)
    } else {
      this.#putBack(request, head)
    }
  }

  /** A response for a request that may be served. Undefined: it was refused, or comes while an earlier one is on its way. */
  #admitted(request: IncomingMessage): ServerResponse | undefined {
    const { socket } = request
    const response = assignedResponse(request, socket)
    if (response === undefined) {
      socket.destroySoon()
      return undefined
    }
    // `node:http` has let go of the connection: the end of a refusal is its end, too.
    const close = (): void => socket.destroySoon()
    const ignore = (): void => {}
    response.on('finish', close)
    socket.on('error', ignore)
    if (!this.#admits(request, response)) return undefined
    response.off('finish', close)
    socket.off('error', ignore)
    return response
  }

  /** The exchange may become an ordinary response, the last of its connection, or take the connection over. */
  #serve(request: IncomingMessage, response: ServerResponse, head: Buffer): void {
    const transport = new UpgradeTransport(this.#server, request, response, head)
    this.#transports.add(transport)
    response.on('close', () => this.#transports.delete(transport))
    transport.start()
  }

  /** Lets `node:http` parse the request once more, without the word that makes it an upgrade. */
  #putBack(request: IncomingMessage, head: Buffer): void {
    const { socket } = request
    // Nothing else tells whether an earlier response of this connection is still on its way; two at once cannot be.
    const response = assignedResponse(request, socket)
    if (response === undefined) {
      socket.destroySoon()
      return
    }
    response.detachSocket(socket)
    socket.unshift(Buffer.concat([Buffer.from(ordinaryHead(request), 'latin1'), head]))
    this.#http.emit('connection', socket)
  }
}

/** A response that has the socket; undefined while an earlier one of a pipeline has it. */
function assignedResponse(request: IncomingMessage, socket: Socket): ServerResponse | undefined {
  const response = new ServerResponse(request)
  try {
    response.assignSocket(socket)
    return response
  } catch {
    return undefined
  }
}

/** The head of a request as it came, except that it asks for no upgrade. */
function ordinaryHead(request: IncomingMessage): string {
  const { rawHeaders } = request
  let head = `${request.method ?? ''} ${request.url ?? ''} HTTP/${request.httpVersion}\r\n`
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    let value = rawHeaders[index + 1] ?? ''
    if (name.toLowerCase() === 'connection') {
      value = withoutUpgradeToken(value)
      if (value === '') continue
    }
    head += `${name}: ${value}\r\n`
  }
  return `${head}\r\n`
}

/** A request whose connection the application may take over. */
class UpgradeTransport extends HttpTransport {
  readonly #server: ConnectionServer
  readonly #response: ServerResponse
  readonly #socket: Socket
  readonly #head: Buffer

  constructor(server: ConnectionServer, request: IncomingMessage, response: ServerResponse, head: Buffer) {
    super(server, request, response)
    this.#server = server
    this.#response = response
    this.#socket = request.socket
    this.#head = head
  }

  override start(): void {
    const response = this.#response
    const socket = this.#socket
    // `node:http` has let go of the connection: what it does for a response is done here.
    response.shouldKeepAlive = false
    response.on('finish', this.#onFinish)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    // A declared length of 0 is no body either.
    this.exchange.input.end()
    super.start()
  }

  takeOver(): Socket {
    const socket = this.#socket
    this.#response.off('finish', this.#onFinish)
    this.#response.detachSocket(socket)
    socket.off('drain', this.#onDrain)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    this.#response.emit('close')
    const protocol = this.exchange.upgrade ?? ''
    this.#server.connectionTaken(socket, protocol)
    describeClient(socket, this.exchange.params)
    if (this.#head.length > 0) socket.unshift(this.#head)
    return socket
  }

  readonly #onFinish = (): void => this.#socket.destroySoon()
  readonly #onDrain = (): void => void this.#response.emit('drain')
  /** As `node:http` does: a client that sends no more has left. */
  readonly #onEnd = (): void => this.#socket.destroySoon()
  /** 'close' follows. */
  readonly #onError = (): void => {}
}
