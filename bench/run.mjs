/** `npm run bench`: every backend behind the same nginx, in interleaved rounds, and the table of what each request cost. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureBoot } from './boot.mjs'
import { expectAnswer, measure, startBackend } from './measure.mjs'
import { nginxVersion, startNginx } from './nginx.mjs'
import { keep, machine, markdown, summarize } from './report.mjs'

const HELP = `npm run bench -- [options]
  --rounds N      interleaved rounds (7)
  --seconds N     load per backend and round (4)
  --connections N open connections of the load (32)
  --node BINARY   the Node that runs the backends and the launcher (this one)
  --only A,B      some backends: floor, tsgi_fastcgi, tsgi_metrics, tsgi_no_metrics, tsgi_uwsgi, floor_uwsgi, http_kept_alive, http_closing,
                  express_tsgi, express_http, fetch_tsgi, fetch_hono
  --bare          requests with Host alone, instead of the fields that a browser sends
  --no-boot       leaves out the time from start to Ready
  --quick         three rounds of one second; the kept result stays as it is, as with --bare and --only
  --check         exit code 1 when a goal is missed`

const BACKENDS = [
  {
    name: 'floor',
    title: 'the floor: constant answer over kept-alive FastCGI, nothing parsed',
    program: 'floor',
    wire: 'fastcgi',
  },
  { name: 'tsgi_fastcgi', title: 'TSGI over FastCGI', program: 'tsgi', wire: 'fastcgi' },
  { name: 'tsgi_metrics', title: 'a worker over FastCGI, all metrics on', program: 'tsgi-metrics', wire: 'fastcgi' },
  { name: 'tsgi_no_metrics', title: 'the same worker, none on', program: 'tsgi-no-metrics', wire: 'fastcgi' },
  { name: 'tsgi_uwsgi', title: 'TSGI over uwsgi', program: 'tsgi', wire: 'uwsgi' },
  { name: 'floor_uwsgi', title: 'constant answer over uwsgi, nothing parsed', program: 'floor', wire: 'uwsgi' },
  { name: 'http_kept_alive', title: '`node:http`, kept alive', program: 'node-http', wire: 'http kept alive' },
  { name: 'http_closing', title: '`node:http` without keep-alive', program: 'node-http', wire: 'http closing' },
  { name: 'express_tsgi', title: 'Express over FastCGI', program: 'express-tsgi', wire: 'fastcgi' },
  { name: 'express_http', title: 'Express on `node:http`, kept alive', program: 'express-http', wire: 'http kept alive' },
  { name: 'fetch_tsgi', title: 'a fetch handler over FastCGI', program: 'fetch-tsgi', wire: 'fastcgi' },
  {
    name: 'fetch_hono',
    title: 'a fetch handler on @hono/node-server, kept alive',
    program: 'fetch-hono',
    wire: 'http kept alive',
  },
]

const BOOTS = 5

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '32' },
    node: { type: 'string', default: process.execPath },
    only: { type: 'string' },
    bare: { type: 'boolean', default: false },
    'no-boot': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function positive(text, otherwise) {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`not a positive whole number: ${text}`)
  return value
}

async function main() {
  const settings = {
    rounds: positive(options.rounds, options.quick ? 3 : 7),
    seconds: positive(options.seconds, options.quick ? 1 : 4),
    connections: positive(options.connections),
    request: options.bare ? 'Host alone' : 'the eleven fields of a browser',
  }
  const only = options.only?.split(',')
  const selected = BACKENDS.filter(({ name }) => only === undefined || only.includes(name))
  const unknown = only?.filter((name) => !BACKENDS.some((backend) => backend.name === name)) ?? []
  if (unknown.length > 0 || selected.length === 0) throw new Error(`no such backend: ${unknown.join(', ')}`)
  const nginx = nginxVersion()
  if (nginx === undefined) throw new Error('nginx is missing: apt-get install nginx')
  if (spawnSync('wrk', ['-v']).error !== undefined) throw new Error('wrk is missing: apt-get install wrk')
  const needsBuild = !options['no-boot'] || selected.some(({ program }) => program.endsWith('tsgi'))
  if (needsBuild && !existsSync(fileURLToPath(new URL('../dist/index.js', import.meta.url)))) {
    throw new Error('dist is missing: npm run build')
  }
  const nodeVersion = spawnSync(options.node, ['--version'], { encoding: 'utf8' }).stdout?.trim().slice(1)
  if (!nodeVersion) throw new Error(`${options.node} is no Node`)

  const folder = mkdtempSync(join(tmpdir(), 'tsgi-bench-'))
  const stops = []
  try {
    const backends = []
    for (const backend of selected) {
      const socket = join(folder, `${backend.name}.sock`)
      const process_ = await startBackend({ program: backend.program, socket, wire: backend.wire, node: options.node })
      stops.push(() => process_.stop())
      backends.push({ ...backend, socket, process: process_ })
    }
    const proxy = await startNginx(folder, backends)
    stops.push(() => proxy.stop())
    for (const { name } of backends) await expectAnswer(`${proxy.url}/${name}`)
    const burst = ({ name, process: backend }, seconds) =>
      measure({ url: `${proxy.url}/${name}`, backend, seconds, connections: settings.connections, bare: options.bare })

    console.log(
      `Node ${nodeVersion}, nginx ${nginx}: warm-up, then ${settings.rounds} rounds of ${settings.seconds} s per backend`,
    )
    for (const backend of backends) await burst(backend, options.quick ? 1 : 3)
    const rounds = []
    for (let round = 1; round <= settings.rounds; round++) {
      const figures = {}
      for (const backend of backends) figures[backend.name] = await burst(backend, settings.seconds)
      rounds.push(figures)
      const line = backends.map(({ name }) => `${name} ${figures[name].cpuPerRequest.toFixed(1)} µs`)
      console.log(`round ${round}: ${line.join(', ')}`)
    }
    while (stops.length > 0) await stops.pop()()

    const bootsMs = []
    for (let run = 0; !options['no-boot'] && run < BOOTS; run++) bootsMs.push(await measureBoot(options.node))

    const report = { machine: machine({ nodeVersion, nginx }), settings, ...summarize({ backends, rounds, bootsMs }) }
    console.log(`\n${markdown(report)}`)
    if (!options.quick && !options.bare && only === undefined && bootsMs.length > 0) {
      keep(fileURLToPath(new URL('results', import.meta.url)), { ...report, rounds, bootsMs })
      console.log('kept in bench/results/')
    }
    if (options.check && report.goals.some(({ met }) => !met)) process.exitCode = 1
  } finally {
    for (const stop of stops.reverse()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (options.help) {
  console.log(HELP)
} else {
  await main().catch((error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
