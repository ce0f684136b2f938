import type { RequestHandler } from '../gateway/request-handler.ts'

export type FetchFunction = (request: Request, env?: unknown, context?: unknown) => Response | Promise<Response>
export type FetchApplication = FetchFunction | { fetch: FetchFunction }

export function fetchHandler(application: FetchApplication): RequestHandler {
  void application
  throw new Error('not yet')
}
