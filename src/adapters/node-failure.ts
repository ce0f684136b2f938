import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FailedRequest, FailurePage } from '../gateway/failure-page.ts'
import { quote } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'

/**
 * A listener threw, or the promise that it returned was rejected. Node would end the process; here this request alone fails:
 * with a 500, or `page`, where nothing was sent yet, else with a response that the client sees is incomplete.
 */
export function failNodeResponse(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: Logger,
  page?: FailurePage,
  status = 500,
): void {
  const target = `${quote(request.method).slice(1, -1)} ${quote(request.url).slice(1, -1)}`
  log.error(`${target} failed${response.headersSent ? ' after its headers' : ''}`, error)
  if (response.headersSent) {
    response.destroy()
    return
  }
  try {
    // Half of another answer must not colour this one.
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    response.statusCode = status
    response.statusMessage = ''
    const answer = page?.(error, status, requestOf(request))
    for (const [name, value] of answer?.fields ?? PLAIN) response.setHeader(name, value)
    response.end(answer?.body ?? 'Internal Server Error\n')
  } catch {
    // What the application has put in the place of the response's methods may be what has failed.
    response.destroy()
  }
}

const PLAIN = [['Content-Type', 'text/plain; charset=utf-8']] as const

function requestOf(request: IncomingMessage): FailedRequest {
  const { rawHeaders } = request
  const headers: [string, string][] = []
  for (let index = 0; index < rawHeaders.length; index += 2) headers.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? ''])
  return { method: request.method ?? '', target: request.url ?? '', headers, variables: [] }
}
