import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const COMMAND = fileURLToPath(new URL('../../dist/cli/tsgi.js', import.meta.url))

/** How long a line may take to appear, milliseconds. */
const PATIENCE_MS = 15_000

/** The path of an application in test/fixtures/apps/process. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/apps/process/${name}`, import.meta.url))
}

/** A directory of its own for one test, removed with all in it when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Writes the files to a new directory; gives the first of them and the path for a socket. */
export function write(files: Readonly<Record<string, string>>): { app: string; socket: string } {
  const directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  return { app: join(directory, Object.keys(files)[0] ?? ''), socket: join(directory, 'app.sock') }
}

export interface ServedOptions {
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The Node that runs it. Default: the one that runs the test. */
  readonly node?: string
  /** A command that starts it, with its arguments: `unshare`, `spawn-fcgi`. It becomes the server or waits for it. */
  readonly wrapper?: readonly string[]
  /** Descriptors that it inherits from 3 on. */
  readonly descriptors?: readonly number[]
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** A running `tsgi serve`, and what it writes. Killed when the test ends, if it still lives. */
export class Served {
  readonly child: ChildProcess
  /** Standard output and error as they came. */
  output = ''
  /** Exit code or the name of the signal. */
  readonly ended: Promise<number | string>
  readonly #listeners = new Set<() => void>()

  constructor(options: ServedOptions) {
    const command = [...(options.wrapper ?? []), options.node ?? process.execPath, COMMAND, 'serve', ...options.args]
    this.child = spawn(command[0] ?? '', command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])],
      cwd: options.cwd,
      env: { ...withoutSettings(process.env), ...options.env },
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        for (const listener of this.#listeners) listener()
      })
    }
    // `close` rather than `exit`: all output has arrived by then.
    this.ended = once(this.child, 'close').then(([code, signal]) => (typeof code === 'number' ? code : String(signal)))
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.ended
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Resolves when the output matches, rejects when the process ends without. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const matched = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = pattern.exec(this.output)
        if (match === null) return
        this.#listeners.delete(look)
        resolve(match)
      }
      this.#listeners.add(look)
      look()
    })
    const gone = this.ended.then((how) => {
      const match = pattern.exec(this.output)
      if (match !== null) return match
      throw new Error(`ended with ${how} before ${String(pattern)} was written:\n${this.output}`)
    })
    return Promise.race([matched, gone, timeout(() => `${String(pattern)} in:\n${this.output}`)])
  }

  async ready(): Promise<this> {
    await this.until(/^Ready/m)
    return this
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

/** One HTTP request, on a connection of its own. `target`: a unix socket's path, or `host:port`. */
export function get(target: string, path = '/'): Promise<Answer> {
  const [host, port] = target.split(':')
  const where = target.startsWith('/') ? { socketPath: target } : { host, port }
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...where, path, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', reject)
    })
    outgoing.on('error', reject).end()
  })
}

/** The pid of whoever answers. */
export async function servingPid(target: string): Promise<number> {
  const { body } = await get(target)
  return (JSON.parse(body) as { pid: number }).pid
}

/** Asks until `count` different processes have answered. */
export async function servingPids(target: string, count: number): Promise<Set<number>> {
  const pids = new Set<number>()
  const deadline = performance.now() + PATIENCE_MS
  while (pids.size < count && performance.now() < deadline) {
    for (const pid of await Promise.all(Array.from({ length: count * 2 }, () => servingPid(target)))) pids.add(pid)
  }
  return pids
}

/** Whether a process exists and is no zombie. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The children of a process, from /proc. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid)
}

function parentOf(pid: number): number | undefined {
  try {
    // proc_pid_stat(5): pid (command) state ppid; the command may hold anything, so from its last parenthesis on.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    // It ended between the listing and here.
    return undefined
  }
}

/** Settings in the environment of the test run must not reach the server under test. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !name.startsWith('TSGI_') && name !== 'WEB_CONCURRENCY' && name !== 'NODE_OPTIONS' && name !== 'NODE_ENV',
    ),
  )
}

async function timeout(what: () => string): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
  throw new Error(`waited ${PATIENCE_MS} ms for ${what()}`)
}
