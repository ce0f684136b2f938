import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

import { until } from '../support/until.ts'
import { temporaryDirectory } from './temporary.ts'

const CLI = {
  'tsgi-express': fileURLToPath(new URL('../../dist/cli/tsgi-express.js', import.meta.url)),
  tsgi: fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)),
}

export interface LaunchOptions {
  /** Another Node than the one that runs the tests: path of its binary. */
  node?: string
  /** `tsgi-express` when left out. */
  program?: keyof typeof CLI
  cwd?: string
  env?: Record<string, string>
}

/** The built `tsgi-express` as a child, in a process group of its own, with a temporary directory of its own. */
export class Launched {
  readonly child: ChildProcess
  /** Its TMPDIR: what it leaves here, it leaves behind. */
  readonly temporary = temporaryDirectory()
  readonly exited: Promise<number | NodeJS.Signals>
  stdout = ''
  stderr = ''
  readonly #pids = new Map<number, string>()

  constructor(args: readonly string[], options: LaunchOptions = {}) {
    const env = { ...process.env, NO_COLOR: '1', TMPDIR: this.temporary, ...options.env }
    this.child = spawn(options.node ?? process.execPath, [CLI[options.program ?? 'tsgi-express'], ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: options.cwd,
      env,
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(signal ?? code ?? -1))
    })
    // Whatever a test forgets goes with the launcher.
    onTestFinished(async () => {
      this.remember()
      if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
      await this.exited
      for (const pid of this.survivors()) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended since.
        }
      }
    })
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('not started')
    return this.child.pid
  }

  /** Resolves to the server's URL, once it says that it is ready. Rejects with what it said when it ends instead. */
  async ready(): Promise<string> {
    const ended = this.exited.then((how) => {
      throw new Error(`it ended with ${how}:\n${this.stdout}${this.stderr}`)
    })
    ended.catch(() => {})
    const url = (): string | undefined => /^Ready (\S+)$/m.exec(this.stdout)?.[1]
    await Promise.race([until(() => url() !== undefined, 'Ready'), ended])
    this.remember()
    return url() ?? ''
  }

  /** The value of a field of the banner. */
  field(name: string): string {
    const value = new RegExp(`^${name} *: (.*)$`, 'm').exec(this.stdout)?.[1]
    if (value === undefined) throw new Error(`no ${name} in:\n${this.stdout}`)
    return value
  }

  /** Notes every descendant that lives now, by pid and start time; pids come back. */
  remember(): number[] {
    const pids = descendants(this.pid)
    for (const pid of pids) this.#pids.set(pid, startTime(pid) ?? '')
    return pids
  }

  /** Descendants noted before that still live. */
  survivors(): number[] {
    return [...this.#pids].filter(([pid, start]) => startTime(pid) === start).map(([pid]) => pid)
  }

  /** The pids of the workers, from the banner. */
  workers(): number[] {
    return (/\(pid ([\d, ]+)\)/.exec(this.field('Processes'))?.[1] ?? '').split(', ').map(Number)
  }

  /** The proxy's first process. */
  proxy(): number {
    return Number(/\(pid (\d+)\)/.exec(this.field('Server Type'))?.[1])
  }

  /** What is left in its temporary directory. */
  leftovers(): string[] {
    return readdirSync(this.temporary)
  }
}

/** Columns of /proc/PID/stat (proc(5)) from the third on; the second is a name that may hold anything. */
function stat(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}

/** undefined for a process that is gone, or a zombie that nobody has waited for. */
function startTime(pid: number): string | undefined {
  const columns = stat(pid)
  return columns?.[0] === 'Z' ? undefined : columns?.[19]
}

function descendants(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) parents.set(Number(name), Number(stat(Number(name))?.[1]))
  const found = [root]
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child)
  return found
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** One request on a connection of its own. */
export function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, headers: { Connection: 'close', ...headers } }, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (text: string) => (body += text))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }))
      answer.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
