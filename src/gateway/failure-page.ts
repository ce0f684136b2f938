import type { HeaderPair } from '../interface/application.ts'
import { REASONS } from './reasons.ts'
import type { Exchange } from './exchange.ts'

/** A request that failed, for a page that explains it. Nothing in it is masked. */
export interface FailedRequest {
  readonly method: string
  /** The request target as it came. */
  readonly target: string
  readonly headers: readonly HeaderPair[]
  /** CGI variables; none where the application takes what `node:http` makes. */
  readonly variables: readonly HeaderPair[]
}

/** What a client is told of a failure in place of its status alone. */
export interface FailureAnswer {
  readonly fields: readonly HeaderPair[]
  readonly body: string
}

/**
 * Explains a failure to whoever has sent the request: for development, where that is the one who has written the code. Asked only
 * when something has failed and nothing of the response has left. Undefined: it has nothing to say.
 */
export type FailurePage = (error: unknown, status: number, request: FailedRequest) => FailureAnswer | undefined

/** Answers a request that failed: with a page where there is one that explains it, else with the status. */
export function answerFailure(exchange: Exchange, error: unknown, status: number): void {
  const page = status < 500 ? undefined : exchange.context.failurePage
  const answer = page?.(error, status, requestOf(exchange.params))
  if (answer === undefined) {
    exchange.respond(status)
    return
  }
  // With an error in the third place it takes the place of the head that there may be, which has not left.
  const length = String(Buffer.byteLength(answer.body))
  exchange.startResponse(`${status} ${REASONS[status] ?? 'Error'}`, [...answer.fields, ['Content-Length', length]], [error])
  exchange.end(answer.body)
}

function requestOf(params: readonly string[]): FailedRequest {
  const variables: [string, string][] = []
  for (let index = 0; index < params.length; index += 2) variables.push([params[index] ?? '', params[index + 1] ?? ''])
  const valueOf = (name: string): string => variables.find(([each]) => each === name)?.[1] ?? ''
  return {
    method: valueOf('REQUEST_METHOD'),
    target: valueOf('REQUEST_URI'),
    headers: variables.flatMap(([name, value]) => (name.startsWith('HTTP_') ? [[fieldName(name), value] as const] : [])),
    variables,
  }
}

/** `HTTP_USER_AGENT` → `User-Agent`. */
function fieldName(variable: string): string {
  return variable
    .slice('HTTP_'.length)
    .toLowerCase()
    .replaceAll('_', '-')
    .replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())
}
