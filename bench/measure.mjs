/** Starts backends, drives them with wrk and reads what each request cost. */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BODY } from './backends/parent.mjs'

/** Starts `bench/backends/<program>.mjs` on a socket; resolves when it listens. */
export async function startBackend({ program, socket, wire, node }) {
  const child = fork(fileURLToPath(new URL(`backends/${program}.mjs`, import.meta.url)), [socket, wire], {
    execPath: node,
    execArgv: [],
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
  })
  const ended = once(child, 'exit')
  /** What a worker tells of itself is nothing to read here. */
  const answer = async (key) => {
    for (;;) {
      const [message] = await once(child, 'message')
      if (message === key || message?.[key] !== undefined) return message
    }
  }
  await Promise.race([
    answer('listening'),
    ended.then(([code]) => Promise.reject(new Error(`the backend ${program} ended with code ${code}`))),
  ])
  return {
    async cpuMicroseconds() {
      child.send('usage')
      const { cpuMicroseconds } = await answer('cpuMicroseconds')
      return cpuMicroseconds
    },
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Waits until nginx answers on this address with what the backend says; throws what it got instead after five seconds. */
export async function expectAnswer(url) {
  const deadlineMs = Date.now() + 5000
  for (;;) {
    let problem
    try {
      const response = await fetch(url)
      const body = await response.text()
      if (response.status === 200 && body === BODY) return
      problem = `${response.status} ${body.slice(0, 200)}`
    } catch (error) {
      problem = error.cause?.message ?? error.message
    }
    if (Date.now() > deadlineMs) throw new Error(`${url} answered: ${problem}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** What a browser sends with a page's request, beside Host: ten fields, 0.5 KB. */
const BROWSER_FIELDS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.9',
  'Accept-Encoding: gzip, deflate, br',
  'Cache-Control: max-age=0',
  'Cookie: session=0123456789abcdef0123456789abcdef',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: none',
]

/** One burst of load; resolves with `{ requestsPerSecond, cpuPerRequest }`, the latter in microseconds. */
export async function measure({ url, backend, seconds, connections, bare = false }) {
  const before = await backend.cpuMicroseconds()
  const fields = bare ? [] : BROWSER_FIELDS.flatMap((field) => ['-H', field])
  const output = await runWrk(['-t', '1', '-c', String(connections), '-d', `${seconds}s`, ...fields, url])
  const used = (await backend.cpuMicroseconds()) - before
  const requests = Number(/(\d+) requests in/.exec(output)?.[1])
  const requestsPerSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1])
  const trouble = /(Socket errors|Non-2xx).*/.exec(output)?.[0]
  if (!(requests > 0) || !(requestsPerSecond > 0) || trouble !== undefined) {
    throw new Error(`wrk on ${url}: ${trouble ?? output}`)
  }
  return { requestsPerSecond, cpuPerRequest: used / requests }
}

async function runWrk(args) {
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`wrk ended with code ${code}: ${output}`)
  return output
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
