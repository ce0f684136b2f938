/** From the start of the command to `Ready`: the launcher, nginx, one worker and the probe through the proxy. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from './nginx.mjs'

const command = fileURLToPath(new URL('../dist/cli/tsgi-express.js', import.meta.url))
const application = fileURLToPath(new URL('backends/application.mjs', import.meta.url))

/** Resolves with the milliseconds of one start; the server is stopped again. */
export async function measureBoot(node) {
  const port = await freePort()
  const startMs = performance.now()
  const child = spawn(node, [command, 'start-server', application, '--server-type', 'nginx', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let output = ''
  const bootMs = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      output += chunk
      if (/\bReady\b/.test(output)) resolve(performance.now() - startMs)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    ended.then(([code]) => reject(new Error(`start-server ended with code ${code} before it was ready:\n${output}`)), reject)
  })
  child.kill('SIGTERM')
  const [code] = await ended
  if (code !== 0) throw new Error(`start-server ended with code ${code} after TERM:\n${output}`)
  return bootMs
}
