import type { ValueKind } from './settings-values.ts'

/** The commands that take settings. `setup-server` and whatever else shares the launcher's options reads `start-server`. */
export type CommandName = 'serve' | 'start-server' | 'dev'

export interface Setting<K extends ValueKind<unknown, unknown>, D> {
  readonly kind: K
  /** The value where nobody gives one. */
  readonly default: D
  /** The default as help text writes it, where it is not plainly the value. */
  readonly defaultText?: string
  readonly help: string
  readonly theme: string
  readonly commands: readonly CommandName[]
  /** Other flags and `TSGI_` variables for the same setting; help shows the one that a command prefers. */
  readonly aliases?: readonly string[]
  /** The alias that this command shows in its help. */
  readonly preferred?: Partial<Record<CommandName, string>>
  /** Variables of other systems that count where nothing of ours gives a value: they are a default. */
  readonly foreignVariables?: readonly string[]
  /** Not a key of the configuration file: it is about that file, or about one run. */
  readonly notInFile?: true
}

export const BOTH = ['serve', 'start-server'] as const
export const START_SERVER = ['start-server'] as const
export const SERVE = ['serve'] as const
export const ALL = ['serve', 'start-server', 'dev'] as const
export const START_SERVER_AND_DEV = ['start-server', 'dev'] as const
export const SERVE_AND_DEV = ['serve', 'dev'] as const
export const DEV = ['dev'] as const

/** Keeps the types of kind, default and commands of one row. */
export function setting<K extends ValueKind<unknown, unknown>, const D, const C extends readonly CommandName[]>(
  row: Setting<K, D> & { commands: C },
): Setting<K, D> & { commands: C } {
  return row
}
