/** From figures to the table that is printed and kept. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { median } from './measure.mjs'

/** What the project promises: a ratio of CPU time per request, or milliseconds. */
const GOALS = [
  { title: 'TSGI over FastCGI / node:http kept alive', of: 'tsgi_fastcgi', to: 'http_kept_alive', atMost: 0.7 },
  { title: 'TSGI over FastCGI / the floor', of: 'tsgi_fastcgi', to: 'floor', atMost: 1.7 },
  { title: 'all metrics on / all off', of: 'tsgi_metrics', to: 'tsgi_no_metrics', atMost: 1.03 },
  { title: 'TSGI over uwsgi / node:http without keep-alive', of: 'tsgi_uwsgi', to: 'http_closing', atMost: 0.75 },
  { title: 'Express over FastCGI / Express on node:http kept alive', of: 'express_tsgi', to: 'express_http', atMost: 0.85 },
  { title: 'fetch over FastCGI / @hono/node-server', of: 'fetch_tsgi', to: 'fetch_hono', atMost: 0.8 },
]
const BOOT_GOAL_MS = 1500

const round = (value, digits) => Number(value.toFixed(digits))

export function machine({ nodeVersion, nginx }) {
  const [cpu] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}`,
    memoryGiB: round(totalmem() / 2 ** 30, 1),
    system: `${type()} ${release()}`,
    node: nodeVersion,
    nginx,
  }
}

/** `rounds`: one object a round, backend name → `{ requestsPerSecond, cpuPerRequest }`. Ratios are taken within a round. */
export function summarize({ backends, rounds, bootsMs }) {
  const results = backends.map(({ name, title }) => ({
    name,
    title,
    cpuPerRequestMicroseconds: round(median(rounds.map((figures) => figures[name].cpuPerRequest)), 1),
    requestsPerSecond: Math.round(median(rounds.map((figures) => figures[name].requestsPerSecond))),
  }))
  const names = new Set(backends.map(({ name }) => name))
  const goals = GOALS.filter(({ of, to }) => names.has(of) && names.has(to)).map(({ title, of, to, atMost }) => {
    const ratios = rounds.map((figures) => figures[of].cpuPerRequest / figures[to].cpuPerRequest)
    return { title, value: round(median(ratios), 2), atMost, unit: '', met: median(ratios) <= atMost }
  })
  if (bootsMs.length > 0) {
    const value = Math.round(median(bootsMs))
    goals.push({ title: 'From start to Ready', value, atMost: BOOT_GOAL_MS, unit: ' ms', met: value < BOOT_GOAL_MS })
  }
  return { results, goals }
}

export function markdown({ machine: m, settings, results, goals }) {
  const lines = [
    '# Benchmark',
    '',
    `${m.date}, ${m.cpu}, ${m.memoryGiB} GiB, ${m.system}, Node ${m.node}, nginx ${m.nginx}.`,
    `One nginx worker, one backend process, unix sockets, wrk with ${settings.connections} connections,`,
    `${settings.rounds} interleaved rounds of ${settings.seconds} s; medians. Requests with ${settings.request}.`,
    'CPU time is user + system of the backend.',
    '',
    '| backend | CPU µs per request | requests per second |',
    '| --- | ---: | ---: |',
    ...results.map((r) => `| ${r.title} | ${r.cpuPerRequestMicroseconds} | ${r.requestsPerSecond} |`),
    '',
    '| goal (ratio of CPU per request, pair by pair within a round) | measured | at most | |',
    '| --- | ---: | ---: | --- |',
    ...goals.map((g) => `| ${g.title} | ${g.value}${g.unit} | ${g.atMost}${g.unit} | ${g.met ? 'met' : 'missed'} |`),
    '',
    'Requests per second share the cores with nginx and wrk, so compare them within this table only.',
  ]
  return `${lines.join('\n')}\n`
}

export function keep(folder, report) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(join(folder, 'latest.md'), markdown(report))
}
