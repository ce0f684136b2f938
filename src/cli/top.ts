import { setTimeout as sleep } from 'node:timers/promises'
import type { Command as Program } from 'commander'

import { TsgiError } from '../interface/errors.ts'
import { styled, wantsColour } from '../launcher/terminal-colour.ts'
import { activityBetween } from '../metrics/activity.ts'
import type { MetricsSnapshot } from '../metrics/metric-families.ts'
import { ask, findServer } from '../process/control-client.ts'
import { addServerChoice, choiceOf } from './server-choice.ts'
import type { ServerFlags } from './server-choice.ts'
import { plain } from './figures.ts'
import { addCommand } from './run-program.ts'
import { ORDERS, topLines } from './top-screen.ts'
import type { Order, Screen } from './top-screen.ts'

interface TopFlags extends ServerFlags {
  readonly once?: true
  readonly json?: true
}

/** Between two looks, milliseconds: as often as workers tell how they do. */
const INTERVAL_MS = 1000

/** A terminal that does not say how large it is. */
const ROWS = 24
const COLUMNS = 80

const ESCAPE = '\x1b['
/** The other screen of the terminal, without a cursor; and back. */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l`
const LEAVE = `${ESCAPE}?25h${ESCAPE}?1049l`
const HOME = `${ESCAPE}H`
const CLEAR_LINE = `${ESCAPE}K`
const CLEAR_BELOW = `${ESCAPE}J`

/** `tsgi top`: what a running server does, live. */
export function addTopCommand(program: Program): void {
  const command = addCommand(program, 'top', 'Watch a running server: requests, times, workers')
  addServerChoice(command)
    .option('--once', 'Look for one second, print it, and end; so it is where standard output is no terminal')
    .option('--json', 'One JSON object for each second, or with --once one')
    .addHelpText('after', `\nKeys: q ends it; sort by n place, r requests, b busy, m memory.`)
    .action(async (flags: TopFlags) => {
      process.exitCode = await top(flags)
    })
}

/** Resolves to the exit code. */
async function top(flags: TopFlags): Promise<number> {
  const looks = new Looks(await findServer(choiceOf(flags)))
  await looks.next()
  if (flags.json === true) {
    do process.stdout.write(`${JSON.stringify(jsonOf(await looks.next(INTERVAL_MS)))}\n`)
    while (flags.once !== true && process.stdout.writable)
    return 0
  }
  if (flags.once === true || !process.stdout.isTTY) {
    const lines = topLines(await looks.next(INTERVAL_MS), wantsColour(process.stdout))
    process.stdout.write(lines.map((line) => `${line}\n`).join(''))
    return 0
  }
  return new TopTerminal(looks).run()
}

/** Snapshots of a server, one after the other, and what happened between two. */
class Looks {
  readonly #socket: string
  #before: MetricsSnapshot | undefined
  order: Order = 'place'

  constructor(socket: string) {
    this.#socket = socket
  }

  /** Rejects with `TSGI_ERR_CONTROL_UNREACHABLE` where the server has ended, `TSGI_ERR_CONTROL` where it counts nothing. */
  async next(afterMs = 0, signal?: AbortSignal): Promise<Screen> {
    if (afterMs > 0) await sleep(afterMs, undefined, signal === undefined ? {} : { signal })
    const reply = await ask(this.#socket, { command: 'metrics', format: 'json' })
    if (!reply.ok) throw new TsgiError('TSGI_ERR_CONTROL', plain(reply.error.message))
    // A server of another version may tell more or less; what is missing is shown as such.
    const after = reply.result as unknown as MetricsSnapshot
    const activity = activityBetween(this.#before, after)
    this.#before = after
    const endings: Record<string, number> = {}
    for (const { workerEndings } of after.applications)
      for (const [cause, count] of Object.entries(workerEndings)) endings[cause] = (endings[cause] ?? 0) + count
    const wantedWorkers = after.applications.reduce((sum, each) => sum + each.wantedWorkers, 0)
    return { about: after, activity, wantedWorkers, endings, order: this.order }
  }
}

function jsonOf({ about: { version, node, startedAt, at }, activity, wantedWorkers, endings }: Screen): object {
  return { version, node, startedAt, at, ...activity, wantedWorkers, endings }
}

/** A terminal that is drawn anew each second, and left as it was. */
class TopTerminal {
  readonly #looks: Looks
  readonly #end = new AbortController()
  #last: Screen | undefined

  constructor(looks: Looks) {
    this.#looks = looks
  }

  async run(): Promise<number> {
    const { stdin, stdout } = process
    const stop = (): void => this.#end.abort()
    const onKeys = (keys: Buffer): void => this.#onKeys(keys.toString('latin1'))
    const draw = (): void => this.#draw()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
    stdout.on('resize', draw)
    if (stdin.isTTY) stdin.setRawMode(true)
    stdin.on('data', onKeys)
    stdout.write(ENTER)
    try {
      for (;;) {
        this.#last = await this.#looks.next(this.#last === undefined ? 1 : INTERVAL_MS, this.#end.signal)
        draw()
      }
    } catch (error) {
      if (this.#end.signal.aborted) return 0
      throw error
    } finally {
      stdout.write(LEAVE)
      if (stdin.isTTY) stdin.setRawMode(false)
      stdin.off('data', onKeys).pause()
      stdout.off('resize', draw)
    }
  }

  #onKeys(keys: string): void {
    for (const key of keys) {
      // Raw, the terminal makes no signal of Ctrl-C.
      if (key === 'q' || key === '\x03') this.#end.abort()
      else if (isOrder(key)) this.#looks.order = ORDERS[key]
      else continue
      if (this.#last !== undefined) this.#last = { ...this.#last, order: this.#looks.order }
      this.#draw()
    }
  }

  #draw(): void {
    const { stdout } = process
    if (this.#last === undefined) return
    const colour = wantsColour(stdout)
    const rows = stdout.rows || ROWS
    const columns = stdout.columns || COLUMNS
    const keys = `${this.#looks.order}: sorted by; n r b m sort, q ends`
    const lines = topLines(this.#last, false).slice(0, Math.max(1, rows - 1))
    // Styles have no width: a line is cut first.
    const styledLines = topLines(this.#last, colour)
    const shown = lines.map((line, index) => (line.length > columns ? line.slice(0, columns) : (styledLines[index] ?? line)))
    const text = shown.map((line) => `${line}${CLEAR_LINE}\r\n`).join('')
    stdout.write(`${HOME}${text}${styled('dim', keys.slice(0, columns), colour)}${CLEAR_LINE}${CLEAR_BELOW}`)
  }
}

function isOrder(key: string): key is keyof typeof ORDERS {
  return Object.hasOwn(ORDERS, key)
}
