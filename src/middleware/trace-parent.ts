import type { Environ } from '../interface/application.ts'
import type { RemoteSpan, TracingApi, TracingContext, TracingGetter } from './tracing-api.ts'

/** `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`; later versions may have more behind it (W3C Trace Context, section 3.2). */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** Of `tracestate`, characters: what a tracer has to pass on at least (section 3.3.1.5). */
const MAX_STATE_LENGTH = 512

/** Headers as a propagator asks for them. */
const FIELDS: TracingGetter<Environ> = {
  keys: (environ) => Object.keys(environ).flatMap((name) => (name.startsWith('HTTP_') ? fieldName(name) : [])),
  get(environ, key) {
    const value = environ[`HTTP_${key.toUpperCase().replaceAll('-', '_')}`]
    return typeof value === 'string' ? value : undefined
  },
}

/**
 * The context that the sender of a request gives it: by the propagator that the application has set up, whatever that reads, and where
 * it has none, from `traceparent` and `tracestate`.
 */
export function parentContext(api: TracingApi, environ: Environ): TracingContext {
  const active = api.context.active()
  if (api.propagation.fields().length > 0) return api.propagation.extract(active, environ, FIELDS)
  const parent = remoteSpan(api, environ)
  return parent === undefined ? active : api.trace.setSpanContext(active, parent)
}

/** Undefined where there is none, or it is malformed: then a trace begins here. */
function remoteSpan(api: TracingApi, environ: Environ): RemoteSpan | undefined {
  const match = TRACEPARENT.exec(String(FIELDS.get(environ, 'traceparent') ?? '').trim())
  if (match === null) return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match
  if (version === 'ff' || (version === '00' && more !== undefined) || /^0+$/.test(traceId) || /^0+$/.test(spanId))
    return undefined
  const state = FIELDS.get(environ, 'tracestate')
  const traceState =
    typeof state === 'string' && state.length <= MAX_STATE_LENGTH && api.createTraceState !== undefined
      ? { traceState: api.createTraceState(state) }
      : {}
  // Of the flags only those of version 00 are known.
  return { traceId, spanId, isRemote: true, traceFlags: Number.parseInt(flags, 16) & 1, ...traceState }
}

/** `HTTP_X_A` → `x-a`. */
function fieldName(variable: string): string {
  return variable.slice('HTTP_'.length).toLowerCase().replaceAll('_', '-')
}
