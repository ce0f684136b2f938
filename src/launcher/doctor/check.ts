import type { SettingsFile } from '../../settings/settings-file.ts'
import type { Settings } from '../../settings/settings.ts'
import type { ProxyDriver } from '../proxy-driver.ts'
import type { Account } from '../proxy-account.ts'
import type { ServerRoot } from '../server-root.ts'
import { shellLine } from '../shell-words.ts'
import type { Machine } from './machine.ts'

/** What one check has found. */
export interface Finding {
  /** `fail`: the server would not start, or not serve. `warn`: it does, until something happens. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** One sentence. */
  readonly seen: string
  /** A command to type, or options to add. */
  readonly fix?: string
}

/** What is looked at. */
export interface Patient {
  readonly machine: Machine
  /** The current directory. */
  readonly directory: string
  /** What doctor was given: the application and options, as they were typed. */
  readonly args: readonly string[]
  /** The defaults where they could not be read. */
  readonly settings: Settings<'start-server'>
  /** Why they could not be read. */
  readonly settingsProblem: unknown
  readonly file: SettingsFile | undefined
  /** undefined where nobody knows which. */
  readonly app: string | undefined
  readonly appProblem: unknown
  readonly proxy: ProxyDriver | undefined
  readonly proxyProblem: unknown
  /** Who the proxy's workers would run as. */
  readonly account: Account | undefined
  /** Only described: it need not be there. */
  readonly root: ServerRoot
}

/** One thing that breaks such set-ups. */
export interface Check {
  /** Its name in the output: `server-root`. */
  readonly id: string
  /** What it looks at, for the list in the documentation. */
  readonly about: string
  readonly look: (patient: Patient) => Finding | Promise<Finding>
}

export function ok(seen: string): Finding {
  return { status: 'ok', seen }
}

export function warn(seen: string, fix: string): Finding {
  return { status: 'warn', seen, fix }
}

export function fail(seen: string, fix: string): Finding {
  return { status: 'fail', seen, fix }
}

/** A command of ours with what doctor was given: `tsgi-express explain app.ts --port 80`. */
export function again(command: readonly string[], args: readonly string[]): string {
  return shellLine(['tsgi-express', ...command, ...args])
}

/** The worst of several, all that are as bad told in one; `fine` where there is none. */
export function worst(findings: readonly Finding[], fine: string): Finding {
  const bad = ['fail', 'warn'] as const
  for (const status of bad) {
    const those = findings.filter((each) => each.status === status)
    const [first] = those
    if (first === undefined) continue
    const fixes = [...new Set(those.flatMap(({ fix }) => (fix === undefined ? [] : [fix])))]
    return { status, seen: those.map(({ seen }) => seen).join('; '), fix: fixes.join('; ') }
  }
  return ok(fine)
}

/** The first line of what was thrown. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n', 1)[0] ?? ''
}
