import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/** The built commands. */
export const TSGI_EXPRESS = fileURLToPath(new URL('../../dist/cli/tsgi-express.js', import.meta.url))
export const TSGI = fileURLToPath(new URL('../../dist/cli/tsgi.js', import.meta.url))

export interface Ran {
  readonly code: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Record<string, string | undefined>
}

/** Runs a program to its end. What it leaves in the background must not hold its output. */
export function run(program: string, args: readonly string[], { cwd = '/', env = {} }: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code: code ?? signal, stdout, stderr }))
  })
}

/** Runs `tsgi-express` to its end. */
export function express(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run(process.execPath, [TSGI_EXPRESS, ...args], options)
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolve(address.port)
      })
    })
  })
}
