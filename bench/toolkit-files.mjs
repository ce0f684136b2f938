/**
 * `npm run bench:files`: static files through the toolkit beside `send` on `node:http`, behind the same nginx, all
 * at the same time: whatever else the machine does falls on each alike.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measure, median, startBackend } from './measure.mjs'
import { startNginx } from './nginx.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '16' },
    node: { type: 'string', default: process.execPath },
    check: { type: 'boolean', default: false },
  },
})

const BACKENDS = [
  { name: 'send', program: 'files-send', wire: 'http kept alive' },
  { name: 'toolkit_http', program: 'files-toolkit', wire: 'http kept alive' },
  { name: 'toolkit_fastcgi', program: 'files-toolkit', wire: 'fastcgi' },
]
const SIZES = { '1k.txt': 1024, '16k.txt': 16 * 1024, '256k.bin': 256 * 1024, '1m.bin': 1024 * 1024 }
/** The toolkit has at least so much of what `send` has. */
const GOAL = 0.9

const folder = mkdtempSync(join(tmpdir(), 'tsgi-bench-'))
const stops = []
try {
  for (const { name } of BACKENDS) {
    mkdirSync(join(folder, 'files', name), { recursive: true })
    for (const [file, size] of Object.entries(SIZES)) writeFileSync(join(folder, 'files', name, file), 'x'.repeat(size))
  }
  const backends = []
  for (const backend of BACKENDS) {
    const socket = join(folder, `${backend.name}.sock`)
    const running = await startBackend({ program: backend.program, socket, wire: backend.wire, node: options.node })
    stops.push(() => running.stop())
    backends.push({ ...backend, socket, running })
  }
  const proxy = await startNginx(folder, backends)
  stops.push(() => proxy.stop())

  for (const [file, size] of Object.entries(SIZES)) {
    const figures = Object.fromEntries(backends.map(({ name }) => [name, { requests: [], cpu: [] }]))
    for (const { name } of backends) {
      const url = `${proxy.url}/${name}/${file}`
      const answer = await fetch(url)
      const { byteLength } = await answer.arrayBuffer()
      if (answer.status !== 200 || byteLength !== size) throw new Error(`${url} answered ${answer.status}, ${byteLength} bytes`)
    }
    for (let round = 0; round <= Number(options.rounds); round++) {
      const bursts = backends.map(async ({ name, running }) => {
        const load = { seconds: Number(options.seconds), connections: Number(options.connections) }
        const result = await measure({ url: `${proxy.url}/${name}/${file}`, backend: running, ...load })
        // The first round is the warm-up.
        if (round === 0) return
        figures[name].requests.push(result.requestsPerSecond)
        figures[name].cpu.push(result.cpuPerRequest)
      })
      await Promise.all(bursts)
    }
    const base = { requests: median(figures.send.requests), cpu: median(figures.send.cpu) }
    for (const { name } of backends) {
      const requests = median(figures[name].requests)
      const cpu = median(figures[name].cpu)
      const ratio = `${(requests / base.requests).toFixed(2)} of send's throughput, ${(base.cpu / cpu).toFixed(2)} per CPU time`
      console.log(`${file} ${name}: ${requests.toFixed(0)} requests/s, ${cpu.toFixed(0)} µs CPU; ${ratio}`)
      if (options.check && Math.max(requests / base.requests, base.cpu / cpu) < GOAL) process.exitCode = 1
    }
  }
} finally {
  for (const stop of stops.reverse()) await stop()
  rmSync(folder, { recursive: true, force: true })
}
