/**
 * `npm run bench:containers`: nginx and the application in two containers, over the shared unix socket and over TCP, side by side.
 * Both stacks are those of docker/, with one container of the application, one worker in it, and an application that does nothing.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parse, stringify } from 'yaml'
import { measure, median } from './measure.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
  },
})

const STACKS = [
  { stack: 'nginx-socket', name: 'the shared unix socket' },
  { stack: 'nginx-replicas', name: 'TCP, one replica' },
]

/** As long as an address of a stopped container may be asked for. */
const START_LIMIT_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'tsgi-bench-'))
const application = join(folder, 'hello.mjs')
writeFileSync(
  application,
  "export const application = (_environ, startResponse) => {\n  startResponse('200 OK', [['Content-Type', 'text/plain']])\n  return 'Hello, world!\\n'\n}\n",
)

function docker(args, more = {}) {
  const done = spawnSync('docker', args, { encoding: 'utf8', ...more })
  if (done.status !== 0) throw new Error(`docker ${args.join(' ')}: ${done.stderr ?? done.error}`)
  return done.stdout.trim()
}

/** Starts a stack with another application; resolves when it answers. */
async function start({ stack, name }) {
  const directory = fileURLToPath(new URL(`../docker/${stack}`, import.meta.url))
  const { command } = parse(readFileSync(join(directory, 'compose.yaml'), 'utf8')).services.app
  const override = {
    services: {
      app: {
        command: ['hello.mjs', ...command.slice(1).map((word, index, words) => (words[index - 1] === '--workers' ? '1' : word))],
        volumes: [`${application}:/app/hello.mjs:ro`],
        deploy: { replicas: 1 },
      },
      // Lines of the log would be half of what is measured.
      proxy: { logging: { driver: 'none' } },
    },
  }
  const file = join(folder, `${stack}.yaml`)
  writeFileSync(file, `${stringify(override)}    ports: !override\n      - "8080"\n`)
  const env = { ...process.env, COMPOSE_PROJECT_NAME: `tsgi-bench-${stack}`, COMPOSE_FILE: `compose.yaml:${file}` }
  const compose = (...args) => docker(['compose', ...args], { cwd: directory, env })
  compose('up', '--build', '--detach', '--wait')
  const host = process.env.TESTCONTAINERS_HOST_OVERRIDE ?? '127.0.0.1'
  const url = `http://${host}:${compose('port', 'proxy', '8080').split(':').at(-1)}/`
  await answering(url)
  return {
    name,
    url,
    used: (service) => cpuMicroseconds(compose('ps', '--quiet', service)),
    down: () => compose('down', '--volumes'),
  }
}

async function answering(url) {
  const limit = Date.now() + START_LIMIT_MS
  for (;;) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.status === 200 && (await response.text()) === 'Hello, world!\n') return
    if (Date.now() > limit) throw new Error(`${url} does not answer`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Of all processes of a container, as its own cgroup tells. */
function cpuMicroseconds(container) {
  const files = 'cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage'
  const text = docker(['exec', container, 'sh', '-c', files])
  const ofOneHierarchy = /^usage_usec (\d+)$/m.exec(text)?.[1]
  return ofOneHierarchy === undefined ? Number(text) / 1000 : Number(ofOneHierarchy)
}

function table(results) {
  const lines = results.map(
    ({ name, rates, app, proxy }) =>
      `| ${name} | ${Math.round(median(rates))} | ${median(app).toFixed(1)} | ${median(proxy).toFixed(1)} |`,
  )
  return [
    '| nginx reaches the application over | requests per second | CPU µs per request, application | nginx |',
    '| --- | ---: | ---: | ---: |',
    ...lines,
  ].join('\n')
}

const stacks = []
try {
  for (const stack of STACKS) stacks.push(await start(stack))
  const results = stacks.map(({ name }) => ({ name, rates: [], app: [], proxy: [] }))
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const [index, { url, used }] of stacks.entries()) {
      const proxyBefore = used('proxy')
      const { requestsPerSecond, cpuPerRequest } = await measure({
        url,
        backend: { cpuMicroseconds: async () => used('app') },
        seconds: Number(options.seconds),
        connections: Number(options.connections),
      })
      const proxyUsed = used('proxy') - proxyBefore
      // The first round is the warm-up.
      if (round === 0) continue
      results[index].rates.push(requestsPerSecond)
      results[index].app.push(cpuPerRequest)
      results[index].proxy.push(proxyUsed / (requestsPerSecond * Number(options.seconds)))
    }
  }
  const engine = docker(['version', '--format', '{{.Server.Version}}'])
  const text = `# Containers: the shared socket and TCP, side by side

${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Docker ${engine}. wrk with ${options.connections} connections, ${options.rounds} interleaved rounds of ${options.seconds} s; medians.
Both stacks are in [docker](../../docker/README.md), with one worker. CPU time is that of the whole container.

${table(results)}

Requests per second share the cores with wrk, so compare them within this table only.
`
  mkdirSync(new URL('results', import.meta.url), { recursive: true })
  writeFileSync(new URL('results/containers.md', import.meta.url), text)
  console.log(text)
} finally {
  for (const { down } of stacks) down()
  rmSync(folder, { recursive: true, force: true })
}
