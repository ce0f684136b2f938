import type { Chunk, Environ, HeaderPair, ResponseBody, StartResponse, Write } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { Exchange } from '../gateway/exchange.ts'
import { decodePath, splitTarget, stripAuthority } from '../gateway/request-target.ts'
import type { Transport } from '../gateway/transport.ts'

/** An exchange whose connection is an environ and a `startResponse`: what serves exchanges then serves a TSGI request. */
export interface EnvironExchange {
  readonly exchange: Exchange
  /** What the application that this stands for returns; rejects where the request failed. */
  readonly result: Promise<ResponseBody>
  /** From here on the exchange's input takes what `tsgi.input` has; nothing is taken before. */
  readonly feed: () => void
  /** Fails the request by `error`: what the server then tells the client is the server's to say. */
  readonly fail: (error: unknown) => void
}

export function environExchange(environ: Environ, startResponse: StartResponse): EnvironExchange {
  const transport = new EnvironTransport(environ, startResponse)
  const { exchange } = transport
  return {
    exchange,
    result: transport.result,
    feed: () => transport.feed(),
    fail(error) {
      transport.fail(error)
      exchange.abort()
    },
  }
}

class EnvironTransport implements Transport {
  readonly exchange: Exchange
  readonly result: Promise<ResponseBody>
  readonly #environ: Environ
  readonly #startResponse: StartResponse
  #resolve: (body: ResponseBody) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #write: Write | undefined
  #fed = false
  #resumed: (() => void) | undefined
  #paused = false
  readonly #forget: () => void

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ
    this.#startResponse = startResponse
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const context = {
      mountPoint: environ.SCRIPT_NAME,
      multiprocess: environ['tsgi.multiprocess'],
      log: logOf(environ),
      probeToken: undefined,
      access: undefined,
    }
    this.exchange = new Exchange(context, this, variablesOf(environ))
    const signal = environ['tsgi.signal']
    const left = (): void =>
      this.exchange.disconnect(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
    if (signal.aborted) left()
    else signal.addEventListener('abort', left, { once: true })
    this.#forget = () => signal.removeEventListener('abort', left)
  }

  fail(error: unknown): void {
    this.#reject(error)
  }

  feed(): void {
    if (this.#fed) return
    this.#fed = true
    this.#pump().catch((error: unknown) => this.exchange.input.fail(error instanceof Error ? error : new Error(String(error))))
  }

  async #pump(): Promise<void> {
    const { input } = this.exchange
    for await (const chunk of this.#environ['tsgi.input']) {
      input.push(chunk)
      if (this.#paused) await new Promise<void>((resolve) => (this.#resumed = resolve))
    }
    input.end()
  }

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    const write = this.#startResponse(status, pairsOf(fields))
    if (last) {
      this.#resolve(body)
      return true
    }
    this.#write = write
    return body === null || this.sendBody(body)
  }

  sendBody(chunk: Chunk): boolean {
    this.#write?.(chunk).then(
      () => this.exchange.drained(),
      (error: Error) => this.exchange.disconnect(error),
    )
    // Whether there is room is known in a moment.
    return false
  }

  end(): void {
    this.#resolve(null)
  }

  abort(): void {
    this.#reject(new TsgiError('TSGI_ERR_APPLICATION', 'the response was given up'))
  }

  pauseInput(): void {
    this.#paused = true
  }

  resumeInput(): void {
    this.#paused = false
    this.#resumed?.()
  }

  /** Where nothing was said of the response by then, its reader has left. */
  finished(): void {
    this.#forget()
    this.#resolve(null)
  }
}

/** The variables of an environ, `[name, value, …]`: what middleware has changed counts, the target included. */
function variablesOf(environ: Environ): string[] {
  const variables: string[] = []
  for (const [name, value] of Object.entries(environ)) {
    if (typeof value !== 'string' || name.includes('.') || name === 'REQUEST_URI' || name === 'HTTPS') continue
    variables.push(name, value)
  }
  variables.push('REQUEST_URI', targetOf(environ))
  variables.push('HTTPS', environ['tsgi.url_scheme'] === 'https' ? 'on' : '')
  variables.push('TSGI_REQUEST_ID', environ['tsgi.request_id'])
  return variables
}

/** REQUEST_URI, unless a middleware has sent the request somewhere else. */
function targetOf({ REQUEST_URI, SCRIPT_NAME, PATH_INFO, QUERY_STRING }: Environ): string {
  const target = stripAuthority(REQUEST_URI)
  const { path, query } = splitTarget(target)
  if (decodePath(path) === SCRIPT_NAME + PATH_INFO && query === QUERY_STRING) return target
  const encoded = encodeURI(SCRIPT_NAME + PATH_INFO).replaceAll(/[?#]/g, encodeURIComponent)
  return QUERY_STRING === '' ? encoded : `${encoded}?${QUERY_STRING}`
}

function pairsOf(fields: string): HeaderPair[] {
  return fields
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 2)]
    })
}

function logOf(environ: Environ): Logger {
  const write = (message: string, error?: unknown): void => {
    const detail = error instanceof Error ? ` ${error.stack ?? error.message}` : ''
    environ['tsgi.errors'].write(`${message}${detail}\n`)
  }
  return { error: write, warn: write, info() {}, debug() {} }
}
