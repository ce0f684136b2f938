import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { promisify } from 'node:util'

import { quote, TsgiError } from '../interface/errors.ts'
import { findExecutable } from './executable.ts'
import { cleanLines, quoteLines } from './log-files.ts'
import type { Logs } from './log-files.ts'
import type { ProxyDriver, ProxyFiles } from './proxy-driver.ts'
import type { ServerRoot } from './server-root.ts'

/** How long a test of the configuration may take, milliseconds; it looks names up. */
const TEST_TIMEOUT_MS = 15_000

/** What a quick stop gives to requests in flight, and each harder signal to the one before, milliseconds. */
const QUICK_STOP_MS = 1000

/** How long the proxy's last words are waited for, milliseconds. */
const LAST_WORDS_MS = 200

/** Kept of what the proxy writes on its standard error before it has its log, characters. */
const STDERR_LIMIT = 8192

/** Makes the proxy test the configuration at `file`. Throws `TSGI_ERR_PROXY_CONFIG` with the proxy's words. */
export async function testConfiguration(proxy: ProxyDriver, root: ServerRoot, logs: Logs, file: string): Promise<void> {
  const args = proxy.testArguments(filesOf(root, 'stderr', file))
  // The test opens the logs, and so standard output where that is one.
  const { problem, stderr } = await runToItsEnd(proxy, args, logs.access === 'terminal' ? 'inherit' : 'ignore')
  if (problem === undefined) return
  throw new TsgiError(
    'TSGI_ERR_PROXY_CONFIG',
    `${quote(proxy.executable)} -t ${problem}${quoteLines('It says:', cleanLines(stderr))}`,
  )
}

/** Runs the proxy until it ends by itself. `problem`: how, where it did not exit with 0. Never rejects. */
export async function runToItsEnd(
  proxy: ProxyDriver,
  args: readonly string[],
  stdout: 'inherit' | 'ignore',
): Promise<{ problem: string | undefined; stderr: string }> {
  const child = spawn(proxy.executable, args, {
    env: { ...process.env, ...proxy.environment },
    stdio: ['ignore', stdout, 'pipe'],
    detached: true,
    timeout: TEST_TIMEOUT_MS,
  })
  let stderr = ''
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT)
  })
  const problem = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => {
      resolve(quote(error))
    })
    child.once('close', (code, signal) => {
      resolve(code === 0 ? undefined : signal === null ? `failed with exit code ${code}` : `was ended by ${signal}`)
    })
  })
  return { problem, stderr }
}

function filesOf(root: ServerRoot, errorLog: string, configuration: string): ProxyFiles {
  return { root: root.path, configuration, errorLog }
}

/**
 * What to put before a command so that it is sent TERM when the launcher dies, however it dies: util-linux's setpriv.
 * Empty where there is none; then a launcher that is killed leaves the proxy behind.
 */
export async function deathSignalPrefix(): Promise<string[]> {
  const setpriv = findExecutable('setpriv')
  if (setpriv === undefined) return []
  const prefix = [setpriv, '--pdeathsig', 'TERM', '--']
  try {
    // Busybox's setpriv has no such option.
    await promisify(execFile)(setpriv, [...prefix.slice(1), setpriv, '--version'], { timeout: TEST_TIMEOUT_MS })
    return prefix
  } catch {
    return []
  }
}

/**
 * The proxy as a child in the foreground, in a session of its own: a terminal's Ctrl-C, hang-up and resize reach the launcher only,
 * which decides.
 */
export class ProxyProcess {
  readonly name: ProxyDriver['name']
  /** Resolves to one line that says how it ended. Never rejects. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  readonly #proxy: ProxyDriver
  readonly #logs: Logs
  readonly #shutdownMs: number
  #stderr = ''
  #ended = false
  #stopping: 'no' | 'graceful' | 'quick' | 'terminated' = 'no'

  /** `shutdownMs`: what a graceful stop gives to requests in flight. */
  constructor(proxy: ProxyDriver, root: ServerRoot, logs: Logs, prefix: readonly string[], shutdownMs: number) {
    this.name = proxy.name
    this.#proxy = proxy
    this.#logs = logs
    this.#shutdownMs = shutdownMs
    const onTerminal = logs.error === 'terminal'
    const configuration = proxy.readsAgain ? root.currentPath : root.configurationPath
    const args = proxy.runArguments(filesOf(root, onTerminal ? 'stderr' : root.errorLogPath, configuration))
    const [command = proxy.executable, ...rest] = [...prefix, proxy.executable, ...args]
    this.#child = spawn(command, rest, {
      detached: true,
      env: { ...process.env, ...proxy.environment },
      // Apache's own program for its log finds our standard error as the last one.
      stdio: ['ignore', onTerminal ? 'inherit' : 'ignore', onTerminal ? 'inherit' : 'pipe', onTerminal ? 2 : 'ignore'],
    })
    this.#child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_LIMIT)
    })
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        if (this.#child.pid === undefined) this.#end(resolve, `could not be started: ${quote(error)}`)
      })
      this.#child.once('exit', (code, signal) => {
        const end = (): void => {
          this.#end(resolve, signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`)
        }
        // A master that was killed leaves its workers, and they the port.
        this.#signalGroup('SIGKILL')
        // Its last words may still be in the pipe; whoever else holds that must not hold us.
        const timer = setTimeout(end, LAST_WORDS_MS)
        this.#child.once('close', () => {
          clearTimeout(timer)
          end()
        })
      })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The configuration has changed: new workers of the proxy have it, the old ones end with their requests. */
  reload(): void {
    if (!this.#ended) this.#signal(this.#proxy.reloadSignal)
  }

  /** Log files have been moved away: it opens new ones. */
  reopenLogs(): void {
    if (!this.#ended) this.#signal('SIGUSR1')
  }

  /** What it said on its standard error while it had no log yet, and the end of the error log, which it shares with the workers. */
  lastLines(): string[] {
    return [...cleanLines(this.#stderr).slice(-3), ...this.#logs.lastLines()]
  }

  /** The last line that is the proxy's own. */
  #lastWords(): string | undefined {
    return this.#logs.lastLines().findLast((line) => this.#proxy.ownLine.test(line)) ?? cleanLines(this.#stderr).at(-1)
  }

  /**
   * Graceful: it accepts no more, and requests in flight end. Quick: they get a second. A second call goes on to a harder way.
   * Resolves when no process of it is left.
   */
  async stop(how: 'graceful' | 'quick'): Promise<void> {
    if (this.#ended) return
    if (this.#stopping === 'quick' || this.#stopping === 'terminated') {
      this.#stopping = 'terminated'
      this.#signal('SIGTERM')
      await this.#waitOrKill(QUICK_STOP_MS)
      return
    }
    const graceful = how === 'graceful' && this.#stopping === 'no'
    this.#stopping = graceful ? 'graceful' : 'quick'
    this.#signal(this.#proxy.gracefulSignal)
    // The proxy keeps to the same limit by itself, and needs a moment after it.
    if (await this.#endsWithin(graceful ? this.#shutdownMs + QUICK_STOP_MS : QUICK_STOP_MS)) return
    this.#signal('SIGTERM')
    await this.#waitOrKill(QUICK_STOP_MS)
  }

  async #waitOrKill(ms: number): Promise<void> {
    if (await this.#endsWithin(ms)) return
    this.#signalGroup('SIGKILL')
    await this.exited
  }

  async #endsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, ms, false)
    })
    const ended = await Promise.race([this.exited.then(() => true), timeout])
    clearTimeout(timer)
    return ended
  }

  #end(resolve: (line: string) => void, how: string): void {
    this.#ended = true
    const last = this.#lastWords()
    const subject = this.#child.pid === undefined ? 'it' : `pid ${this.#child.pid}`
    resolve(`${subject} ${how}${this.#stopping !== 'no' || last === undefined ? '' : `; its last line: ${last}`}`)
  }

  #signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The session's group has the pid of its first process. */
  #signalGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // Nothing is left of it.
    }
  }
}
