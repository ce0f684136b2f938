// What the machine does, live: server-sent events, and a page that draws them. Who was away gets what it has missed.
//
//   tsgi-express start-server examples/dashboard.ts
//   curl -N http://127.0.0.1:8000/events
import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { freemem, loadavg, totalmem } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Lifespan } from 'tsgi'
import { Map as UrlMap, Response, Rule, ServiceUnavailable } from 'tsgi/toolkit'
import type { Request } from 'tsgi/toolkit'

interface Sample {
  /** Milliseconds since 1970: also what the next worker goes on from. */
  readonly id: number
  readonly load: number
  /** Shares, from 0 to 1. */
  readonly memory: number
  readonly busy: number
  readonly viewers: number
}

/** Each one holds a connection, and one of nginx's. */
const MAX_VIEWERS = 200
/** Samples that are kept for those who come, or come back. */
const KEPT = 120
const EVERY_MS = Number(process.env.DASHBOARD_MS ?? 1000)
/** A stream ends by then, and the browser opens the next one: none stays with one worker for ever. */
const STREAM_MS = 5 * 60 * 1000

const samples: Sample[] = []
const ticks = new EventEmitter().setMaxListeners(MAX_VIEWERS)
let ending = false
let viewers = 0
let timer: NodeJS.Timeout | undefined

export const lifespan: Lifespan = {
  startup() {
    let last = performance.eventLoopUtilization()
    timer = setInterval(() => {
      const now = performance.eventLoopUtilization()
      const busy = performance.eventLoopUtilization(now, last).utilization
      last = now
      samples.push({ id: Date.now(), load: loadavg()[0] ?? 0, memory: 1 - freemem() / totalmem(), busy, viewers })
      if (samples.length > KEPT) samples.shift()
      ticks.emit('tick')
    }, EVERY_MS)
  },
  stopping() {
    // Browsers come back by themselves, to the next worker.
    ending = true
    ticks.emit('tick')
  },
  shutdown() {
    clearInterval(timer)
  },
}

const map = new UrlMap([
  new Rule('/', { methods: ['GET'], endpoint: page }),
  new Rule('/events', { methods: ['GET'], endpoint: events }),
])

export const application = map.application()

function events(request: Request): Response {
  if (viewers >= MAX_VIEWERS) throw new ServiceUnavailable('Too many are looking.', { retryAfter: 30 })
  const lastSeen = Number(request.headers.get('last-event-id', '0'))
  const response = new Response(stream(request.signal, Number.isFinite(lastSeen) ? lastSeen : 0), {
    contentType: 'text/event-stream; charset=utf-8',
    // nginx collects a response before it passes it on, unless it is told not to.
    headers: { 'X-Accel-Buffering': 'no', 'Cache-Control': 'no-store' },
  })
  viewers += 1
  return response.callOnClose(() => (viewers -= 1))
}

/** What is new, then each one when it comes. A client that reads slowly holds nothing up but itself: it gets what is kept. */
async function* stream(signal: AbortSignal, lastSeen: number): AsyncGenerator<string> {
  const end = performance.now() + STREAM_MS
  let seen = lastSeen
  yield 'retry: 2000\n\n'
  try {
    while (!ending && performance.now() < end) {
      const fresh = samples.filter(({ id }) => id > seen)
      seen = fresh.at(-1)?.id ?? seen
      if (fresh.length > 0) yield fresh.map(({ id, ...sample }) => `id: ${id}\ndata: ${JSON.stringify(sample)}\n\n`).join('')
      else await once(ticks, 'tick', { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function page(): Response {
  const nonce = randomUUID()
  const response = new Response(PAGE.replaceAll('NONCE', nonce), { mimetype: 'text/html' })
  response.contentSecurityPolicy
    .set('default-src', "'none'")
    .set('script-src', `'nonce-${nonce}'`)
    .set('style-src', `'nonce-${nonce}'`)
    .set('connect-src', "'self'")
    .set('base-uri', "'none'")
    .set('frame-ancestors', "'none'")
  response.cacheControl.noStore = true
  return response
}

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dashboard</title>
<style nonce="NONCE">
  :root { color-scheme: light dark }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1rem }
  main { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem }
  section { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; padding: 1rem }
  h2 { font-size: .85rem; margin: 0; opacity: .7 } output { font-size: 2rem }
  svg { width: 100%; height: 4rem } polyline { fill: none; stroke: #0a8f76; stroke-width: 1.5; vector-effect: non-scaling-stroke }
</style>
<h1>Dashboard</h1>
<p id="state">connecting</p>
<main></main>
<script nonce="NONCE">
  const SHOWN = { load: ['Load', 4, (x) => x.toFixed(2)], memory: ['Memory', 1, percent], busy: ['Event loop', 1, percent], viewers: ['Viewers', 10, String] }
  function percent(x) { return (100 * x).toFixed(1) + ' %' }
  const charts = Object.entries(SHOWN).map(([key, [title, least, show]]) => {
    const section = document.querySelector('main').appendChild(document.createElement('section'))
    section.innerHTML = '<h2></h2><output></output><svg viewBox="0 0 119 100" preserveAspectRatio="none"><polyline/></svg>'
    section.id = key
    section.querySelector('h2').textContent = title
    const values = []
    return (sample) => {
      values.push(sample[key])
      if (values.length > 120) values.shift()
      const top = Math.max(least, ...values)
      section.querySelector('output').textContent = show(sample[key])
      section.querySelector('polyline').setAttribute('points', values.map((y, x) => x + ',' + (100 - (95 * y) / top)).join(' '))
    }
  })
  // Relative: also where the application is mounted somewhere.
  const source = new EventSource('events')
  const state = document.querySelector('#state')
  source.onopen = () => (state.textContent = 'live')
  source.onerror = () => (state.textContent = 'connecting')
  source.onmessage = ({ data }) => charts.forEach((draw) => draw(JSON.parse(data)))
</script>
</html>
`
