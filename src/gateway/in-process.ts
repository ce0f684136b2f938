import type { Application, Chunk, Environ, ErrorStream, HeaderPair } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { createEnviron, draftBase } from './environ.ts'
import { Exchange } from './exchange.ts'
import { InProcessBody } from './in-process-response.ts'
import type { ServerContext } from './request-handler.ts'
import { callApplication } from './run-application.ts'
import type { Transport } from './transport.ts'

/** The door without a connection: a request that is served in the process that makes it, by the same exchange as every other one. */

export interface InProcessRequest {
  /** CGI variables, `[name, value, …]`, latin-1; those that a server must have come with it. */
  readonly params: readonly string[]
  /** The mount point: `''` or `'/x'`, decoded. REQUEST_URI lies under it. */
  readonly mountPoint: string
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined
  readonly errors: ErrorStream
  readonly multiprocess: boolean
  readonly runOnce: boolean
  /** Aborted: the client leaves. */
  readonly signal: AbortSignal | undefined
}

/** The environ that a server makes of this request. Throws `TSGI_ERR_REQUEST_INVALID`. */
export function inProcessEnviron({ params, body, errors, signal, ...rest }: InProcessRequest): Environ {
  const context: ServerContext = { ...rest, log: logTo(errors), probeToken: undefined, access: undefined }
  const source = new BodySource()
  const exchange = new Exchange(context, source, params)
  const environ = createEnviron(exchange, draftBase(context, errors))
  if (environ === undefined) throw new TsgiError('TSGI_ERR_REQUEST_INVALID', 'the path does not lie under the mount point')
  source.feed(exchange, body)
  const leave = (): void =>
    exchange.leave(signal?.reason instanceof Error ? signal.reason : new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED'))
  if (signal?.aborted === true) leave()
  else signal?.addEventListener('abort', leave, { once: true })
  return environ
}

/** Puts a body into an exchange's input, no faster than it is read. The exchange has no response: who serves the environ makes another one. */
class BodySource implements Transport {
  #resumed: (() => void) | undefined
  #paused = false

  feed(exchange: Exchange, body: InProcessRequest['body']): void {
    const { input } = exchange
    if (body === undefined || body instanceof Uint8Array) {
      if (body !== undefined && body.length > 0) input.push(body)
      input.end()
      return
    }
    this.#pump(exchange, body).catch((error: unknown) => input.fail(error instanceof Error ? error : new Error(String(error))))
  }

  async #pump({ input }: Exchange, body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of body) {
      input.push(chunk)
      if (this.#paused) await new Promise<void>((resolve) => (this.#resumed = resolve))
    }
    input.end()
  }

  pauseInput(): void {
    this.#paused = true
  }

  resumeInput(): void {
    this.#paused = false
    this.#resumed?.()
  }

  sendHead(): boolean {
    return true
  }
  sendBody(): boolean {
    return true
  }
  end(): void {}
  abort(): void {}
  finished(): void {}
}

export interface InProcessResponse {
  /** `"200 OK"`. */
  readonly status: string
  /** As the client would see them: checked, with Content-Length where the server knows it. */
  readonly headers: readonly HeaderPair[]
  /** Reads once; iterating ends when the application has closed what it returned, and throws what went wrong. */
  readonly body: AsyncIterable<Uint8Array> & { close(): Promise<void> }
}

export interface HandleOptions {
  /** False: an application that fails is answered with 500, as a server does, and its error goes to `tsgi.errors`. */
  readonly raiseErrors?: boolean
}

/**
 * Serves one environ: the application is called with a copy of it, and what it does is held to the same rules as behind a socket. Resolves once the head is
 * sent, with the first byte of the body or at its end. Rejects with what the application throws, unless `raiseErrors` is false.
 */
export function handle(
  application: Application,
  environ: Environ,
  { raiseErrors = true }: HandleOptions = {},
): Promise<InProcessResponse> {
  return new InProcessCall(environ, raiseErrors).run(application)
}

class InProcessCall implements Transport {
  readonly #environ: Environ
  readonly #exchange: Exchange
  readonly #body: InProcessBody
  #resolve: (response: InProcessResponse) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #errors: unknown[] = []
  #over: (() => void) | undefined
  #ending = false
  readonly #isOver: Promise<void>
  readonly #leave: () => void

  constructor(environ: Environ, raiseErrors: boolean) {
    this.#environ = environ
    const params = [
      'REQUEST_METHOD',
      environ.REQUEST_METHOD,
      'REQUEST_URI',
      environ.REQUEST_URI,
      'TSGI_REQUEST_ID',
      environ['tsgi.request_id'],
    ]
    const context: ServerContext = {
      mountPoint: environ.SCRIPT_NAME,
      multiprocess: environ['tsgi.multiprocess'],
      log: raiseErrors ? this.#keeper() : logTo(environ['tsgi.errors']),
      probeToken: undefined,
      access: undefined,
    }
    this.#exchange = new Exchange(context, this, params)
    // The body is in `tsgi.input`.
    this.#exchange.input.end()
    this.#isOver = new Promise((resolve) => (this.#over = resolve))
    const signal = environ['tsgi.signal']
    this.#leave = () =>
      this.#exchange.disconnect(signal.reason instanceof Error ? signal.reason : new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED'))
    signal.addEventListener('abort', this.#leave, { once: true })
    this.#body = new InProcessBody(
      () => this.#exchange.drained(),
      async () => {
        this.#exchange.disconnect(new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED', 'the response was closed'))
        // The application hears of it, and closes what it has.
        await new Promise((resolve) => setImmediate(resolve))
      },
    )
  }

  run(application: Application): Promise<InProcessResponse> {
    const response = new Promise<InProcessResponse>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const exchange = this.#exchange
    if (this.#environ['tsgi.signal'].aborted) this.#leave()
    else callApplication(application, exchange, { ...this.#environ, 'tsgi.signal': exchange.signal })
    return response
  }

  sendHead(status: string, fields: string, body: Chunk | null, last: boolean): boolean {
    if (this.#errors.length > 0) {
      // What comes now is the server's own answer to it.
      this.#reject(this.#errors[0])
      return true
    }
    const room = body === null || this.#body.push(body)
    this.#resolve({ status, headers: pairsOf(fields), body: this.#body })
    if (last) this.end()
    return room
  }

  sendBody(chunk: Chunk): boolean {
    return this.#body.push(chunk)
  }

  /** The body ends when its `close()` has been called, which comes behind this. */
  end(): void {
    this.#ending = true
    void this.#isOver.then(() => (this.#errors.length > 0 ? this.#body.fail(this.#errors[0]) : this.#body.end()))
  }

  abort(): void {
    this.#ending = true
    const error = this.#errors[0] ?? new TsgiError('TSGI_ERR_APPLICATION', 'the response was broken off')
    this.#reject(error)
    this.#body.fail(error)
  }

  finished(): void {
    this.#environ['tsgi.signal'].removeEventListener('abort', this.#leave)
    this.#over?.()
    if (this.#ending) return
    const error = this.#errors[0] ?? new TsgiError('TSGI_ERR_CLIENT_DISCONNECTED', 'before the response was complete')
    this.#reject(error)
    this.#body.fail(error)
  }

  pauseInput(): void {}
  resumeInput(): void {}

  #keeper(): Logger {
    const keep = (message: string, error?: unknown): void => {
      this.#errors.push(error ?? new TsgiError('TSGI_ERR_APPLICATION', message))
    }
    return { error: keep, warn() {}, info() {}, debug() {} }
  }
}

function logTo(errors: ErrorStream): Logger {
  const write = (message: string, error?: unknown): void => {
    errors.write(`${message}${error instanceof Error ? ` ${error.stack ?? error.message}` : ''}\n`)
  }
  return { error: write, warn: write, info() {}, debug() {} }
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
