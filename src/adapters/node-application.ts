import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Logger } from '../interface/logger.ts'
import type { Exchange } from '../gateway/exchange.ts'
import type { FailurePage } from '../gateway/failure-page.ts'
import type { RequestHandler } from '../gateway/request-handler.ts'
import { callListeners } from './call-listeners.ts'
import { callExplained } from './explained-listeners.ts'
import { nodeObjects } from './express-shape.ts'
import type { NodeObjects } from './express-shape.ts'
import { failNodeResponse } from './node-failure.ts'
import { createNodeRequest } from './node-request.ts'
import { createNodeResponse } from './node-response.ts'
import { GatewaySocket } from './node-socket.ts'
import { emitUpgrade, serveNodeUpgrade, takesUpgrade } from './node-upgrade.ts'

/** Serves requests by the 'request' listeners of a `node:http` server, which need not listen anywhere. `page`: of a server in development. */
export function nodeHandler(server: Server, log: Logger, page?: FailurePage): RequestHandler {
  const call = (request: IncomingMessage, response: ServerResponse): void => {
    if (page !== undefined) callExplained(server, request, response, log, page)
    else callListeners(server, 'request', [request, response], (error) => failNodeResponse(request, response, error, log))
  }
  let objects: NodeObjects | undefined
  return {
    serve(exchange) {
      try {
        objects ??= nodeObjects(server)
        if (takesUpgrade(server, exchange)) serveNodeUpgrade(server, exchange)
        else serveNode(exchange, objects, call)
      } catch (error) {
        exchange.fail(error)
        exchange.finished()
      }
    },
    node: {
      request: call,
      takesUpgrades: () => server.listenerCount('upgrade') > 0,
      upgrade: (request, socket, head) => emitUpgrade(server, request, socket, head, log),
    },
  }
}

function serveNode(
  exchange: Exchange,
  objects: NodeObjects,
  call: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  const { mountPoint } = exchange.context
  const socket = new GatewaySocket(exchange)
  const request = createNodeRequest(exchange, socket, { mountPoint, upgrade: false, objects })
  if (request === undefined) {
    exchange.respond(404)
    exchange.finished()
    return
  }
  call(request, createNodeResponse(request, socket, objects))
}
