import { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Makes the two objects of a request, as `new` does. */
export interface NodeObjects {
  request(socket: Socket): IncomingMessage
  response(request: IncomingMessage): ServerResponse
}

/** What Node itself makes. */
export const NODE_OBJECTS: NodeObjects = {
  request: (socket) => new IncomingMessage(socket),
  response: (request) => new ServerResponse(request),
}

/** Since V8 12 an object can be constructed with another prototype at no cost; before, each such object costs tens of microseconds. */
const CONSTRUCTS_WITH_PROTOTYPE = Number(process.versions.v8.split('.', 1)[0]) >= 12

/**
 * How the requests and responses of a server are made.
 *
 * Express sets the prototype of both to `app.request` and `app.response`, and then adds members. V8 forgets what it knows of
 * the shape of an object whose prototype is exchanged, and all code that touches such objects is slow from then on: on Node 20
 * that was 45 of the 55 µs that Express cost here for a small request, on Node 24 2 of 9. Objects that have Express's members
 * from the beginning keep their shape, and those that have the prototype too are never touched.
 */
export function nodeObjects(server: Server): NodeObjects {
  for (const listener of server.listeners('request')) {
    const request: unknown = Reflect.get(listener, 'request')
    const response: unknown = Reflect.get(listener, 'response')
    if (request instanceof IncomingMessage && response instanceof ServerResponse) return expressObjects(request, response)
  }
  return NODE_OBJECTS
}

function expressObjects(requestPrototype: object, responsePrototype: object): NodeObjects {
  if (!CONSTRUCTS_WITH_PROTOTYPE) {
    return {
      request: (socket) => withRequestMembers(new IncomingMessage(socket)),
      response: (request) => withResponseMembers(new ServerResponse(request)),
    }
  }
  const Request = constructed(requestPrototype)
  const Response = constructed(responsePrototype)
  // `construct` gives what its first argument constructs.
  return {
    request: (socket) => withRequestMembers(Reflect.construct(IncomingMessage, [socket], Request) as IncomingMessage),
    response: (request) => withResponseMembers(Reflect.construct(ServerResponse, [request], Response) as ServerResponse),
  }
}

/** Something that was constructed by it has this prototype. A class's prototype is fixed, a function's is not. */
function constructed(prototype: object): NewableFunction {
  function Constructed(): void {}
  Constructed.prototype = prototype
  // Every function but an arrow constructs; TypeScript knows that of classes only.
  return Constructed as unknown as NewableFunction
}

// What Express 4 and 5 and their router add to a request and to a response; as good as absent until then.

type RequestMember = 'res' | 'next' | 'baseUrl' | 'originalUrl' | '_parsedUrl' | 'route' | 'params'

function withRequestMembers(request: IncomingMessage & Partial<Record<RequestMember, unknown>>): IncomingMessage {
  request.res = undefined
  request.next = undefined
  request.baseUrl = undefined
  request.originalUrl = undefined
  request._parsedUrl = undefined
  request.route = undefined
  request.params = undefined
  return request
}

function withResponseMembers(response: ServerResponse): ServerResponse {
  // Unset is what Node's declaration leaves out.
  const members: { locals?: unknown; statusCode: number; statusMessage: string | undefined } = response
  members.locals = undefined
  members.statusCode = 200
  members.statusMessage = undefined
  return response
}
