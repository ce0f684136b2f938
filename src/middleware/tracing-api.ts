/**
 * What `tracing` needs of `@opentelemetry/api` 1.x, which the application passes in: so that this package depends on no version of it, and
 * the spans go where the application's own do.
 */
export interface TracingApi {
  readonly context: {
    active(): TracingContext
    with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(context: TracingContext, fn: F): ReturnType<F>
  }
  readonly propagation: {
    /** What the propagator reads; empty: there is none. */
    fields(): string[]
    extract<Carrier>(context: TracingContext, carrier: Carrier, getter: TracingGetter<Carrier>): TracingContext
  }
  readonly trace: {
    getTracer(name: string, version?: string): TracingTracer
    setSpan(context: TracingContext, span: TracingSpan): TracingContext
    setSpanContext(context: TracingContext, spanContext: RemoteSpan): TracingContext
  }
  readonly createTraceState?: (text?: string) => TracingState
}

/** Values for what runs now and what it calls. */
export interface TracingContext {
  getValue(key: symbol): unknown
  setValue(key: symbol, value: unknown): TracingContext
  deleteValue(key: symbol): TracingContext
}

export interface TracingGetter<Carrier> {
  keys(carrier: Carrier): string[]
  get(carrier: Carrier, key: string): undefined | string | string[]
}

/** The other systems' part of a trace (W3C Trace Context, section 3.3). */
export interface TracingState {
  set(key: string, value: string): TracingState
  unset(key: string): TracingState
  get(key: string): string | undefined
  serialize(): string
}

/** The span of whoever sent a request. */
export interface RemoteSpan {
  traceId: string
  spanId: string
  isRemote?: boolean
  traceFlags: number
  traceState?: TracingState
}

export interface TracingTracer {
  startSpan(
    name: string,
    options: { kind: number; attributes: Record<string, string | number> },
    context: TracingContext,
  ): TracingSpan
}

export interface TracingSpan {
  spanContext(): RemoteSpan
  setAttribute(key: string, value: string | number): this
  setStatus(status: { code: number; message?: string }): this
  updateName(name: string): this
  recordException(exception: Error): void
  end(): void
  isRecording(): boolean
}

/** `SpanKind.SERVER` and `SpanStatusCode.ERROR`: numbers that OpenTelemetry's specification has fixed. */
export const SPAN_KIND_SERVER = 1
export const SPAN_STATUS_ERROR = 2
