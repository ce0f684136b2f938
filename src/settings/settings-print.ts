import type { ReadSettings } from './settings-read.ts'
import { SETTINGS } from './settings-table.ts'
import type { CommandName, ResolvedSetting } from './settings.ts'
import type { AnySetting } from './settings-rows.ts'

/** Names of variables whose values are nobody's business. */
const SECRET_NAME = /PASS(?:WORD|WD|PHRASE)?(?:_|$)|SECRET|TOKEN|KEY|CREDENTIAL|AUTH/i

/** Whether a variable of this name holds what is nobody's business. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** The password of a URL such as `postgres://user:password@host/`. */
const URL_PASSWORD = /(:\/\/[^\s:@/]*:)[^\s@/]+(?=@)/g

const MASK = '********'

/** Widest column that others are aligned to, characters: one long value must not push every source off the screen. */
const MAX_COLUMN = 40

/** Every setting by its key, in the user's units, and where it comes from: for people (`text`) or for programs (`json`). */
export function printSettings(
  read: Pick<ReadSettings<CommandName>, 'app' | 'appSource' | 'resolved'>,
  format: 'text' | 'json',
): string {
  const shown = [
    { key: 'app', value: read.app as unknown, source: read.appSource },
    ...read.resolved
      .filter(({ key }) => (SETTINGS[key] as AnySetting).notInFile !== true)
      .map((setting) => ({ key: setting.key, value: shownValue(setting), source: setting.source })),
  ]
  if (format === 'json') {
    const entries = shown.map(({ key, value, source }) => [key, { value: value ?? null, source }])
    return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`
  }
  return aligned(shown.map(({ key, value, source }) => [key, asText(value), source]))
}

/** What the configuration file would hold, secrets masked. */
function shownValue({ key, value }: ResolvedSetting): unknown {
  const { kind }: AnySetting = SETTINGS[key]
  if (value === undefined) return undefined
  if (kind.arity === 'pairs') return Object.fromEntries(Array.isArray(value) ? value.map(masked) : [])
  const show = (each: unknown): unknown => (kind.show === undefined ? each : kind.show(each))
  return Array.isArray(value) ? value.map(show) : show(value)
}

/** One setting as a person reads it, and as JSON has it; secrets masked, and nothing in it that acts on a terminal. */
export function shownSetting(setting: ResolvedSetting): { value: unknown; text: string } {
  const value = shownValue(setting)
  return { value: value ?? null, text: asText(value).replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, '?') }
}

/** A pair of names and values, of which `pairs` makes strings. */
function masked(pair: unknown): [string, string] {
  const [name = '', value = ''] = Array.isArray(pair) ? pair.map(String) : []
  return [name, isSecretName(name) ? MASK : value.replaceAll(URL_PASSWORD, `$1${MASK}`)]
}

function asText(value: unknown): string {
  if (value === undefined) return '-'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(String).join(', ')
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([name, each]) => `${name}=${JSON.stringify(each)}`)
    return pairs.length === 0 ? '-' : pairs.join(' ')
  }
  return String(value)
}

function aligned(lines: readonly (readonly [string, string, string])[]): string {
  const width = (column: 0 | 1): number => Math.min(MAX_COLUMN, Math.max(...lines.map((line) => line[column].length)))
  const [first, second] = [width(0), width(1)]
  return lines.map(([key, value, source]) => `${key.padEnd(first)}  ${value.padEnd(second)}  ${source}\n`).join('')
}
