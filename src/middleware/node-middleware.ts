import type { IncomingMessage, ServerResponse } from 'node:http'
import { NODE_OBJECTS } from '../adapters/express-shape.ts'
import { createNodeRequest } from '../adapters/node-request.ts'
import { createNodeResponse } from '../adapters/node-response.ts'
import { GatewaySocket } from '../adapters/node-socket.ts'
import type { Application, Chunk, Environ, Middleware, StartResponse } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import { environExchange } from './environ-exchange.ts'
import { chunksOf, closeBody } from './response-body.ts'
import { keepingLifespan } from './keep-lifespan.ts'

/** What Express and Connect call middleware. An Express application is one, too. */
export type NodeMiddleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => unknown

/** Where a TSGI application behind a Node middleware finds the request that the middleware has seen. */
export const NODE_REQUEST = 'tsgi.node_request'

/**
 * Runs a Node middleware, such as `helmet()` or `cors()`, around a TSGI application. It gets a real request and response; when it
 * calls `next()` the application is called with the environ and answers through that response, so that header fields set
 * before, and methods put in the place of the response's own, count. Without `next()` the middleware has answered by itself.
 *
 * `next(error)` fails the request as a thrown error does. A middleware that reads the request body has read it: the
 * application finds its end. What a middleware leaves on the request is there as `environ['tsgi.node_request']`. A changed
 * `req.url` changes nothing for the application.
 */
export function nodeMiddleware(middleware: NodeMiddleware): Middleware {
  return keepingLifespan((application) => (environ, startResponse) => {
    const { exchange, result, feed, fail } = environExchange(environ, startResponse)
    const socket = new GatewaySocket(exchange)
    const request = createNodeRequest(exchange, socket, { mountPoint: environ.SCRIPT_NAME, upgrade: false })
    if (request === undefined) throw new TsgiError('TSGI_ERR_REQUEST_INVALID', 'the path is not below SCRIPT_NAME')
    const read = request._read.bind(request)
    // Who does not read leaves the body to the application.
    request._read = (size) => {
      feed()
      read(size)
    }
    const response = createNodeResponse(request, socket, NODE_OBJECTS)
    environ[NODE_REQUEST] = request
    const next = (error?: unknown): void => {
      if (error !== undefined && error !== null && error !== 'router' && error !== 'route') fail(error)
      else answer(application, environ, response).catch(fail)
    }
    const run = async (): Promise<void> => {
      await middleware(request, response, next)
    }
    run().catch(fail)
    return result
  })
}

/** A Node application as a TSGI application: for a dispatcher's mount, or inside TSGI middleware. What it passes on is not there. */
export function nodeApplication(listener: NodeMiddleware): Application {
  return nodeMiddleware(listener)((_environ, startResponse) => {
    startResponse('404 Not Found', [['Content-Type', 'text/plain; charset=utf-8']])
    return 'Not Found\n'
  })
}

/** Calls the application, and lets the response say what it says. */
async function answer(application: Application, environ: Environ, response: ServerResponse): Promise<void> {
  const startResponse: StartResponse = (status, headers, excInfo) => {
    if (response.headersSent) {
      if (excInfo) throw Array.isArray(excInfo) ? (excInfo as readonly [unknown])[0] : excInfo
      throw new TsgiError('TSGI_ERR_RESPONSE_STARTED', 'startResponse behind the head')
    }
    response.statusCode = Number(status.slice(0, 3))
    response.statusMessage = status.slice(4)
    // The application's fields replace those of the same name, its own repetitions stay.
    for (const name of new Set(headers.map(([each]) => each.toLowerCase()))) response.removeHeader(name)
    for (const [name, value] of headers) response.appendHeader(name, value)
    return (chunk) => send(response, chunk)
  }
  const body = await application(environ, startResponse)
  try {
    if (typeof body === 'string' || body instanceof Uint8Array || body === null) {
      response.end(body ?? undefined)
      return
    }
    for await (const chunk of chunksOf(body)) if (chunk.length > 0) await send(response, chunk)
    response.end()
  } finally {
    await closeBody(body)
  }
}

/** Resolves when there is room for more; rejects when nobody reads any more. */
function send(response: ServerResponse, chunk: Chunk): Promise<void> {
  if (response.destroyed) return Promise.reject(new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED'))
  if (response.write(chunk)) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      response.off('drain', settle)
      response.off('close', settle)
      if (response.destroyed) reject(new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED'))
      else resolve()
    }
    response.once('drain', settle)
    response.once('close', settle)
  })
}
