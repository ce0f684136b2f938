import type { IncomingMessage, ServerResponse } from 'node:http'

import { CLIENT_LEFT } from '../gateway/request-meter.ts'
import type { RequestMeter } from '../gateway/request-meter.ts'

/** Of requests whose answer has gone past their response. */
const STATUSES_PAST = new WeakMap<IncomingMessage, number>()

/** Counts a request that `node:http` has parsed when its response has ended. The application has both of its objects in hand. */
export function countNodeRequest(meter: RequestMeter, request: IncomingMessage, response: ServerResponse): void {
  const startedAt = performance.now()
  response.once('close', () => {
    const past = STATUSES_PAST.get(request)
    if (past === undefined && response.headersSent && !response.writableFinished) meter.broken()
    meter.ended(past ?? (response.headersSent ? response.statusCode : CLIENT_LEFT), startedAt)
  })
}

/** An answer was written past the response. */
export function countedPast(request: IncomingMessage, status: number): void {
  STATUSES_PAST.set(request, status)
}
