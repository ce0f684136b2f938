import type { IncomingMessage, ServerResponse } from 'node:http'
import { quote } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'

/**
 * A listener threw, or the promise that it returned was rejected. Node would end the process; here this request alone fails:
 * with a 500 where nothing was sent yet, else with a response that the client sees is incomplete.
 */
export function failNodeResponse(request: IncomingMessage, response: ServerResponse, error: unknown, log: Logger): void {
  const target = `${quote(request.method).slice(1, -1)} ${quote(request.url).slice(1, -1)}`
  log.error(`${target} failed${response.headersSent ? ' after its headers' : ''}`, error)
  if (response.headersSent) {
    response.destroy()
    return
  }
  try {
    // Half of another answer must not colour this one.
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    response.statusCode = 500
    response.statusMessage = ''
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end('Internal Server Error\n')
  } catch {
    // What the application has put in the place of the response's methods may be what has failed.
    response.destroy()
  }
}
