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
  await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`the backend ${program} ended with code ${code}`))),
  ])
  return {
    async cpuMicroseconds() {
      child.send('usage')
      const [message] = await once(child, 'message')
      return message.cpuMicroseconds
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

/** One burst of load; resolves with `{ requestsPerSecond, cpuPerRequest }`, the latter in microseconds. */
export async function measure({ url, backend, seconds, connections }) {
  const before = await backend.cpuMicroseconds()
  const output = await runWrk([
    '-t',
    '1',
    '-c',
    String(connections),
    '-d',
    `${seconds}s`,
    ...(process.env.WRKH ? process.env.WRKH.split('|').flatMap((h) => ['-H', h]) : []),
    url,
  ])
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
