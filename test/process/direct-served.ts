import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { until } from '../support/until.ts'

const COMMAND = fileURLToPath(new URL('../../dist/cli/tsgi.js', import.meta.url))

/** `tsgi serve` with these arguments until the test ends, and the port that it has taken. */
export async function startServed(cwd: string, args: readonly string[]): Promise<{ port: number; output: () => string }> {
  const child = spawn(process.execPath, [COMMAND, 'serve', ...args, '--no-control-socket'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  await until(() => output.includes('Ready') || child.exitCode !== null, 'the workers', 15_000)
  const port = Number(/Listening on \S+:(\d+)/.exec(output)?.[1])
  if (!(port > 0)) throw new Error(output)
  return { port, output: () => output }
}
