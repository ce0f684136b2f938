import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { FailurePage } from '../gateway/failure-page.ts'
import type { Logger } from '../interface/logger.ts'
import { callListeners } from './call-listeners.ts'
import { frameworkOf } from './framework.ts'
import { failNodeResponse } from './node-failure.ts'

/**
 * Calls the 'request' listeners of a server in development. Express catches what its handlers throw and answers with a stack; given
 * somebody to hand errors on to, it does that instead, and they are explained.
 */
export function callExplained(
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
  page: FailurePage,
): void {
  const failed = (error: unknown): void => failNodeResponse(request, response, error, log, page)
  const next = (error?: unknown): void => {
    if (error === undefined || error === null || error === 'router') notFound(request, response)
    else failNodeResponse(request, response, error, log, page, statusOf(error))
  }
  callListeners(server, 'request', [request, response], failed, (listener) => {
    const framework = frameworkOf(listener)
    return framework === 'express' || framework === 'router' ? [request, response, next] : undefined
  })
}

/** The status that an error of `http-errors` asks for. */
function statusOf(error: unknown): number {
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'status') : undefined
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500
}

/** What Express answers itself where it has no route. */
function notFound(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const path = (request.originalUrl ?? request.url ?? '').replace(/[?#].*$/, '')
  const shown = path.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  const body = `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre>Cannot ${request.method ?? ''} ${shown}</pre>\n</body>\n</html>\n`
  response.statusCode = 404
  response.statusMessage = ''
  response.setHeader('Content-Security-Policy', "default-src 'none'")
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}
