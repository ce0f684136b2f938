import type { Exchange } from '../gateway/exchange.ts'
import type { RequestHandler } from '../gateway/request-handler.ts'
import { FetchContext } from './fetch-context.ts'
import { envFactory } from './fetch-env.ts'
import type { EnvFactory } from './fetch-env.ts'
import { exchangeGlobals } from './fetch-globals.ts'
import { createFetchRequest } from './fetch-request.ts'
import type { LightRequest } from './fetch-request.ts'
import { sendResponse } from './fetch-send.ts'

/** Declared as a method: an application may expect more of its second and third argument than can be said here. */
interface FetchMethod {
  fetch(request: Request, env?: unknown, context?: unknown): Response | Promise<Response>
}

export type FetchFunction = FetchMethod['fetch']

/** A function from Request to Response, or what has one as its `fetch`: Hono, h3, a worker's default export. */
export type FetchApplication = FetchFunction | FetchMethod

/** Serves requests by a fetch application. The first call exchanges globals: see `exchangeGlobals`. */
export function fetchHandler(application: FetchApplication): RequestHandler {
  exchangeGlobals()
  let createEnv: EnvFactory | undefined
  return {
    serve(exchange) {
      createEnv ??= envFactory(process.env)
      serveFetch(application, exchange, createEnv)
    },
  }
}

/** One call of the application. Whatever is thrown ends in the exchange. */
function serveFetch(application: FetchApplication, exchange: Exchange, createEnv: EnvFactory): void {
  const context = new FetchContext(exchange)
  let method: string
  let result: Response | Promise<Response>
  try {
    const request = createFetchRequest(exchange, context)
    if (request === undefined) {
      exchange.respond(404)
      FetchContext.responded(context)
      return
    }
    method = request.method
    result = call(application, request, createEnv(exchange), context)
  } catch (error) {
    exchange.fail(error)
    FetchContext.responded(context)
    return
  }
  if (result instanceof Promise || isThenable(result)) {
    // A promise of ours, which a foreign one can only settle.
    Promise.resolve(result).then(
      (response) => respond(exchange, context, response, method),
      (error: unknown) => {
        exchange.fail(error)
        FetchContext.responded(context)
      },
    )
  } else {
    respond(exchange, context, result, method)
  }
}

function call(application: FetchApplication, light: LightRequest, env: unknown, context: unknown): Response | Promise<Response> {
  // It is a Request by its prototype, which the type of a class cannot say.
  const request = light as unknown as Request
  // A function may have a method `fetch`, too, which is what it means then.
  if (typeof application === 'function' && !hasFetch(application)) return application(request, env, context)
  return application.fetch(request, env, context)
}

function respond(exchange: Exchange, context: FetchContext, response: unknown, method: string): void {
  let sending: Promise<void> | undefined
  try {
    sending = sendResponse(exchange, response, method)
  } catch (error) {
    exchange.fail(error)
  }
  if (sending === undefined) FetchContext.responded(context)
  else void sending.then(() => FetchContext.responded(context))
}

function hasFetch(application: object): application is FetchMethod {
  return 'fetch' in application && typeof application.fetch === 'function'
}

function isThenable(value: unknown): value is PromiseLike<Response> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
