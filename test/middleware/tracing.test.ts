import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import * as api from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../src/index.ts'
import type { Application, Middleware } from '../../src/index.ts'
import { lint } from '../../src/middleware/lint/index.ts'
import type { LintFinding } from '../../src/middleware/lint/index.ts'
import { compose, tracing } from '../../src/middleware/index.ts'
import type { TracingOptions } from '../../src/middleware/index.ts'
import { until } from '../support/until.ts'
import { saying, served } from './served.ts'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })

beforeAll(() => {
  api.trace.setGlobalTracerProvider(provider)
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterEach(() => {
  exporter.reset()
  api.propagation.disable()
  expect(findings.splice(0)).toEqual([])
})
afterAll(async () => {
  await provider.shutdown()
  api.trace.disable()
  api.context.disable()
})

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

const findings: LintFinding[] = []
const linted: Middleware = (application) => lint(application, { onFinding: (finding) => findings.push(finding) })

/** Between two of lint, which have nothing to say. */
function traced(application: Application, options: Partial<TracingOptions> = {}): Application {
  return compose(linted, tracing({ api, ...options }), linted)(application)
}

/** The spans that have ended, once there are so many. */
async function spans(count = 1): Promise<ReadableSpan[]> {
  await until(() => exporter.getFinishedSpans().length >= count, `${count} span(s)`)
  return exporter.getFinishedSpans()
}

async function serverSpan(): Promise<ReadableSpan> {
  const [span] = (await spans()).filter(({ kind }) => kind === api.SpanKind.SERVER)
  if (span === undefined) throw new Error('no span')
  return span
}

describe('tracing', () => {
  it('makes a server span for a request, as the conventions for HTTP have it', async () => {
    const { base } = await served(traced(saying('hello'), { attributes: () => ({ 'shop.region': 'north' }) }))
    const { host, port } = new URL(base)
    await (await fetch(`${base}/pears/7?page=2&token=abc`, { headers: { 'User-Agent': 'tests/1' } })).text()
    const span = await serverSpan()
    expect(host).toBe(`127.0.0.1:${port}`)
    expect(span).toMatchObject({ name: 'GET', kind: api.SpanKind.SERVER, status: { code: api.SpanStatusCode.UNSET } })
    expect(span.instrumentationScope.name).toBe('tsgi')
    expect(span.parentSpanContext).toBeUndefined()
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'url.path': '/pears/7',
      'url.query': 'page=2&token=REDACTED',
      'server.address': '127.0.0.1',
      'server.port': Number(port),
      'client.address': '127.0.0.1',
      'user_agent.original': 'tests/1',
      'network.protocol.version': '1.1',
      'tsgi.request_id': expect.stringMatching(/./),
      'shop.region': 'north',
    })
  })

  it.each([
    ['the propagator that the application has set up', true],
    ['traceparent itself, where there is none', false],
  ])('continues a trace by %s', async (_, hasPropagator) => {
    if (hasPropagator) api.propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    const seen: (string | undefined)[] = []
    const { base } = await served(
      traced((_environ, startResponse) => {
        seen.push(api.trace.getActiveSpan()?.spanContext().traceState?.serialize())
        startResponse('200 OK', [])
        return ''
      }),
    )
    const asked = (traceparent: string, tracestate = 'vendor=1,other=x'): Promise<Response> =>
      fetch(base, { headers: { traceparent, tracestate } })
    await asked(`00-${TRACE}-${PARENT}-01`)
    const span = await serverSpan()
    expect(span.spanContext()).toMatchObject({ traceId: TRACE, traceFlags: api.TraceFlags.SAMPLED })
    expect(span.parentSpanContext).toMatchObject({ spanId: PARENT, isRemote: true })
    expect(seen).toEqual(['vendor=1,other=x'])
    // What is malformed begins a trace of its own; what a later version has behind it is no harm.
    exporter.reset()
    for (const bad of [
      `00-${TRACE}-${PARENT}-01-x`,
      `ff-${TRACE}-${PARENT}-01`,
      `00-${'0'.repeat(32)}-${PARENT}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      'x',
    ])
      await asked(bad)
    for (const each of await spans(5)) {
      expect(each.spanContext().traceId).not.toBe(TRACE)
      expect(each.parentSpanContext).toBeUndefined()
    }
    exporter.reset()
    await asked(`01-${TRACE}-${PARENT}-01-more`)
    expect((await serverSpan()).spanContext().traceId).toBe(TRACE)
  })

  it('begins a trace of its own where clients are not trusted, and none where it is to skip', async () => {
    const skip: TracingOptions['skip'] = ({ PATH_INFO }) => PATH_INFO === '/health'
    const { base } = await served(traced(saying('hello'), { trust: false, skip }))
    await fetch(`${base}/health`)
    await fetch(base, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } })
    const span = await serverSpan()
    expect(exporter.getFinishedSpans()).toHaveLength(1)
    expect(span.spanContext().traceId).not.toBe(TRACE)
    expect(span.attributes['url.path']).toBe('/')
  })

  it('is what runs inside of it, across awaits and while a body is made, for requests at the same time', async () => {
    const tracer = api.trace.getTracer('shop')
    const work = async (name: string): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      tracer.startSpan(name).end()
    }
    const { base } = await served(
      traced(async ({ PATH_INFO }, startResponse) => {
        await work(`before ${PATH_INFO}`)
        startResponse('200 OK', [['Content-Type', 'text/plain']])
        return (async function* () {
          yield 'a'
          await work(`body ${PATH_INFO}`)
          yield 'b'
        })()
      }),
    )
    const paths = ['/1', '/2', '/3', '/4']
    expect(await Promise.all(paths.map(async (path) => (await fetch(base + path)).text()))).toEqual(['ab', 'ab', 'ab', 'ab'])
    const all = await spans(12)
    for (const path of paths) {
      const server = all.find(({ attributes }) => attributes['url.path'] === path)
      const inner = all.filter(({ name }) => name.endsWith(` ${path}`))
      expect(inner.map(({ name }) => name)).toEqual([`before ${path}`, `body ${path}`])
      for (const { parentSpanContext } of inner) expect(parentSpanContext?.spanId).toBe(server?.spanContext().spanId)
      // It ends behind them.
      expect(all.indexOf(server as ReadableSpan)).toBeGreaterThan(all.indexOf(inner[1] as ReadableSpan))
    }
  })

  it('has the rule behind a request in its name, and one of an unknown method none of the client’s making', async () => {
    const { base } = await served(traced(saying('hello'), { route: ({ PATH_INFO }) => PATH_INFO.replace(/\d+/, '<id>') }))
    await fetch(`${base}/pears/7`, { method: 'POST' })
    expect(await serverSpan()).toMatchObject({ name: 'POST /pears/<id>', attributes: { 'http.route': '/pears/<id>' } })
    exporter.reset()
    await fetch(`${base}/pears/7`, { method: 'MKCOL' })
    const { name, attributes } = await serverSpan()
    expect(name).toBe('HTTP /pears/<id>')
    expect(attributes).toMatchObject({ 'http.request.method': '_OTHER', 'http.request.method_original': 'MKCOL' })
  })

  it('tells of failures: in the application, in its body, and of answers with 5xx, but not with 4xx', async () => {
    const failing = traced(({ PATH_INFO }, startResponse) => {
      if (PATH_INFO === '/throw') throw new RangeError('no pears')
      startResponse(PATH_INFO === '/503' ? '503 Service Unavailable' : PATH_INFO === '/404' ? '404 Not Found' : '200 OK', [
        ['Content-Type', 'text/plain'],
      ])
      if (PATH_INFO !== '/body') return ''
      return (async function* () {
        yield 'a'
        throw new TypeError('half a pear')
      })()
    })
    const { base } = await served(failing)
    const span = async (path: string): Promise<ReadableSpan> => {
      exporter.reset()
      await fetch(base + path)
        .then((response) => response.text())
        .catch(() => {})
      return serverSpan()
    }
    const thrown = await span('/throw')
    expect(thrown.status).toEqual({ code: api.SpanStatusCode.ERROR, message: 'no pears' })
    expect(thrown.attributes).toMatchObject({ 'error.type': 'RangeError', 'http.response.status_code': 500 })
    expect(thrown.events[0]?.attributes).toMatchObject({ 'exception.type': 'RangeError', 'exception.message': 'no pears' })
    const half = await span('/body')
    expect(half.status.code).toBe(api.SpanStatusCode.ERROR)
    expect(half.attributes).toMatchObject({ 'error.type': 'TypeError', 'http.response.status_code': 200 })
    expect(await span('/503')).toMatchObject({ status: { code: api.SpanStatusCode.ERROR }, attributes: { 'error.type': '503' } })
    const missing = await span('/404')
    expect(missing.status.code).toBe(api.SpanStatusCode.UNSET)
    expect(missing.attributes).not.toHaveProperty('error.type')
  })

  it('ends a span whose client has left', async () => {
    let left: (() => void) | undefined
    const { base } = await served(
      traced((environ, startResponse) => {
        const gone = new Promise<void>((resolve) => (left = resolve))
        environ['tsgi.signal'].addEventListener('abort', () => left?.())
        startResponse('200 OK', [['Content-Type', 'text/plain']])
        return (async function* () {
          yield 'begun'
          await gone
        })()
      }),
    )
    const controller = new AbortController()
    const response = await fetch(base, { signal: controller.signal })
    await response.body?.getReader().read()
    expect(exporter.getFinishedSpans()).toHaveLength(0)
    controller.abort()
    await serverSpan()
  })

  it('goes without an SDK, which makes no spans', async () => {
    api.trace.disable()
    try {
      const server = await serve({ application: tracing({ api })(saying('hello')), bind: '127.0.0.1:0' })
      expect(await (await fetch(`http://${server.address}`)).text()).toBe('hello')
      await server.close()
      expect(exporter.getFinishedSpans()).toHaveLength(0)
    } finally {
      api.trace.setGlobalTracerProvider(provider)
    }
  })
})
