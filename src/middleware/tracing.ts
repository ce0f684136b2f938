import type { Application, Chunk, Environ, Middleware, ResponseBody, StartResponse } from '../interface/application.ts'
import { packageVersion } from '../process/package-version.ts'
import { Redactor } from '../recording/redactor.ts'
import { keepingLifespan } from './keep-lifespan.ts'
import { chunksOf, closeBody, isWhole } from './response-body.ts'
import type { OwnBody } from './response-body.ts'
import { parentContext } from './trace-parent.ts'
import { SPAN_KIND_SERVER, SPAN_STATUS_ERROR } from './tracing-api.ts'
import type { TracingApi, TracingContext, TracingSpan } from './tracing-api.ts'

export interface TracingOptions {
  /** `import * as api from '@opentelemetry/api'`: the application's own. */
  readonly api: TracingApi
  /** Whether the trace that a request brings is continued. Default: yes; no, where clients must not choose what is sampled. */
  readonly trust?: boolean
  /** The rule behind a request, `/pears/<id>`, for the span's name: asked when the response is over. */
  readonly route?: (environ: Environ) => string | undefined
  /** Requests that get no span, such as those of health checks. */
  readonly skip?: (environ: Environ) => boolean
  /** More attributes of a span. */
  readonly attributes?: (environ: Environ) => Readonly<Record<string, string | number>>
}

type Attributes = Record<string, string | number>

/** Those that OpenTelemetry knows; another one is `_OTHER`, for whoever sends it chooses it. */
const METHODS: ReadonlySet<string> = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'])

/** Takes out of queries what nobody should read in a trace. */
const REDACTOR = new Redactor()

/**
 * A server span for each request, from the application's call to the end of its response, by the semantic conventions for HTTP
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). It is active while the application runs, across everything it
 * awaits, and while its body is made.
 */
export function tracing({ api, trust = true, route, skip, attributes }: TracingOptions): Middleware {
  const tracer = api.trace.getTracer('tsgi', packageVersion())
  return keepingLifespan((application) => (environ, startResponse) => {
    if (skip?.(environ) === true) return application(environ, startResponse)
    const parent = trust ? parentContext(api, environ) : api.context.active()
    const span = tracer.startSpan(
      methodName(environ),
      { kind: SPAN_KIND_SERVER, attributes: { ...requestAttributes(environ), ...attributes?.(environ) } },
      parent,
    )
    const request = new TracedRequest(api, span, api.trace.setSpan(parent, span), () => route?.(environ))
    return request.run(application, environ, startResponse)
  })
}

/** One request with its span. */
class TracedRequest {
  readonly #api: TracingApi
  readonly #span: TracingSpan
  readonly #context: TracingContext
  readonly #route: () => string | undefined
  #status = 0
  #over = false

  constructor(api: TracingApi, span: TracingSpan, context: TracingContext, route: () => string | undefined) {
    this.#api = api
    this.#span = span
    this.#context = context
    this.#route = route
  }

  async run(application: Application, environ: Environ, startResponse: StartResponse): Promise<ResponseBody> {
    const noting: StartResponse = (status, headers, excInfo) => {
      const write = startResponse(status, headers, excInfo)
      this.#status = Number(status.slice(0, 3))
      return write
    }
    try {
      const body = await this.#inside(() => application(environ, noting))
      if (!isWhole(body)) return this.#body(environ, body)
      this.#end(environ)
      return body
    } catch (error) {
      this.#fail(environ, error)
      throw error
    }
  }

  /** A body that is still to be made, in the span's context: an iterator would run in that of whoever asks it. */
  #body(environ: Environ, body: ResponseBody): OwnBody {
    const chunks = chunksOf(body)
    const next = async (): Promise<IteratorResult<Chunk, void>> => {
      try {
        return await this.#inside(() => chunks.next())
      } catch (error) {
        this.#fail(environ, error)
        throw error
      }
    }
    const stop = (): Promise<IteratorResult<Chunk, void>> => this.#inside(() => chunks.return())
    return {
      [Symbol.asyncIterator]: () => ({ next, return: stop }),
      close: async () => {
        try {
          await this.#inside(() => closeBody(body))
        } finally {
          this.#end(environ)
        }
      },
    }
  }

  #inside<T>(run: () => T): T {
    return this.#api.context.with<[], () => T>(this.#context, run)
  }

  #fail(environ: Environ, error: unknown): void {
    if (this.#over) return
    const problem = error instanceof Error ? error : new Error(String(error))
    this.#span.recordException(problem)
    this.#span.setAttribute('error.type', problem.name)
    this.#span.setStatus({ code: SPAN_STATUS_ERROR, message: problem.message })
    // What the server answers where no head has gone out.
    if (this.#status === 0) this.#status = 500
    this.#end(environ, true)
  }

  #routeOf(): string | undefined {
    try {
      return this.#route()
    } catch {
      // Who looks on must not change what it looks at.
      return undefined
    }
  }

  #end(environ: Environ, failed = false): void {
    if (this.#over) return
    this.#over = true
    const span = this.#span
    const route = this.#routeOf()
    if (route !== undefined) {
      span.setAttribute('http.route', route)
      span.updateName(`${methodName(environ)} ${route}`)
    }
    if (this.#status !== 0) span.setAttribute('http.response.status_code', this.#status)
    if (this.#status >= 500 && !failed) {
      span.setAttribute('error.type', String(this.#status))
      span.setStatus({ code: SPAN_STATUS_ERROR })
    }
    span.end()
  }
}

/** The name of a span whose route is unknown. */
function methodName({ REQUEST_METHOD: method }: Environ): string {
  return METHODS.has(method) ? method : 'HTTP'
}

function requestAttributes(environ: Environ): Attributes {
  const { REQUEST_METHOD: method, SCRIPT_NAME, PATH_INFO, QUERY_STRING, REMOTE_ADDR } = environ
  const known = METHODS.has(method)
  const [address, port] = serverOf(environ)
  const agent = environ['HTTP_USER_AGENT']
  const version = /^HTTP\/(\d(?:\.\d)?)$/.exec(environ.SERVER_PROTOCOL)?.[1]
  return {
    'http.request.method': known ? method : '_OTHER',
    ...(known ? {} : { 'http.request.method_original': method }),
    'url.scheme': environ['tsgi.url_scheme'],
    'url.path': `${SCRIPT_NAME}${PATH_INFO}`,
    ...(QUERY_STRING === '' ? {} : { 'url.query': REDACTOR.query(QUERY_STRING) }),
    'server.address': address,
    ...(port === undefined ? {} : { 'server.port': port }),
    ...(REMOTE_ADDR === undefined ? {} : { 'client.address': REMOTE_ADDR }),
    ...(typeof agent === 'string' ? { 'user_agent.original': agent } : {}),
    ...(version === undefined ? {} : { 'network.protocol.version': version === '2.0' ? '2' : version }),
    'tsgi.request_id': environ['tsgi.request_id'],
  }
}

/** What the client has called this server. */
function serverOf(environ: Environ): [address: string, port: number | undefined] {
  const host = environ['HTTP_HOST']
  const match = /^(\[[\da-fA-F:.]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(typeof host === 'string' ? host : '')
  if (match !== null) return [match[1] ?? '', match[2] === undefined ? undefined : Number(match[2])]
  const port = Number(environ.SERVER_PORT)
  return [environ.SERVER_NAME, Number.isInteger(port) && port > 0 ? port : undefined]
}
