import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NodeObjects } from './express-shape.ts'
import type { GatewaySocket } from './node-socket.ts'

/** Node's response to a request, which ends in the socket. */
export function createNodeResponse(request: IncomingMessage, socket: GatewaySocket, objects: NodeObjects): ServerResponse {
  const response: GatewayResponse = objects.response(request)
  // What is said of the connection is the proxy's to say. Node leaves out what has been removed.
  response.removeHeader('Connection')
  response.sendDate = false
  // Own members, not a subclass's: Express exchanges the prototype.
  response.writeHead = writeHead
  response.end = end
  response[SOCKET] = socket
  // ServerResponse uses of a socket what every stream has, and so says its documentation.
  response.assignSocket(socket as Duplex as Parameters<ServerResponse['assignSocket']>[0])
  socket.connect(request, response)
  return response
}

const SOCKET = Symbol('tsgi.socket')

interface GatewayResponse extends ServerResponse {
  [SOCKET]?: GatewaySocket
}

/** Node's own methods, whose overloads are of no interest here. */
const NODE = ServerResponse.prototype as unknown as Record<'writeHead' | 'end', (...args: unknown[]) => ServerResponse>

/** `Transfer-Encoding: chunked`, which Node has just said, is the proxy's to do. Without it Node would refuse a `Trailer` field. */
function writeHead(this: GatewayResponse, ...args: unknown[]): GatewayResponse {
  NODE.writeHead.apply(this, args)
  this.chunkedEncoding = false
  return this
}

/** Tells the socket that what it is given now is the last: a short response leaves in one write. */
function end(this: GatewayResponse, ...args: unknown[]): GatewayResponse {
  if (this.writableEnded) return NODE.end.apply(this, args) as GatewayResponse
  const socket = this[SOCKET]
  socket?.endsNow(true)
  try {
    NODE.end.apply(this, args)
  } catch (error) {
    socket?.endsNow(false)
    throw error
  }
  // Where everything has been sent and no chunk marks the end, Node writes nothing more.
  socket?.endNow()
  return this
}
