import { resolve } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { nearestName } from '../loading/nearest-name.ts'
import type { SettingsFile } from './settings-file.ts'
import { flagsOf, knownVariables, rowsOf } from './settings-rows.ts'
import type { AnySetting } from './settings-rows.ts'
import type { CommandName } from './setting.ts'
import { configurationKey, variableName } from './setting-names.ts'
import type { SettingKey, Settings } from './settings-table.ts'
import { PAIR_SEPARATOR, parseValue, textsOf } from './settings-values.ts'

export type { CommandName } from './setting.ts'
export type { SettingKey, Settings } from './settings-table.ts'

/** What gives values to settings. */
export interface SettingSources {
  /** commander's `opts()` of a command with `addSettings`. */
  readonly commandLine: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file?: SettingsFile | undefined
}

/** One setting with its value and where it came from. */
export interface ResolvedSetting {
  readonly key: SettingKey
  readonly value: unknown
  /** `command line`, the variable, the file's name, or `default`. */
  readonly source: string
}

/**
 * The values of a command's settings: the command line over the environment over the configuration file over the defaults.
 *
 * `commandLine` is commander's `opts()`. Throws `TSGI_ERR_OPTION`, and what the address parser throws.
 */
export function resolveSettings<C extends CommandName>(
  commandLine: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  command: C,
  file?: SettingsFile,
): Settings<C> {
  return asSettings<C>(resolveEach({ commandLine, environment, file }, command))
}

/** What `resolveEach` gives for the same command, without the sources. */
export function asSettings<C extends CommandName>(resolved: readonly ResolvedSetting[]): Settings<C> {
  // Every value went through the `parse` of its row, which is what Settings is made of.
  return Object.fromEntries(resolved.map(({ key, value }) => [key, value])) as Settings<C>
}

/** The same, each with its source, in the order of the table. */
export function resolveEach(sources: SettingSources, command: CommandName): ResolvedSetting[] {
  refuseSlips(sources.environment)
  return rowsOf(command).map(([key, row]) => ({ key, ...resolveOne(key, row, sources, command) }))
}

/** The text of one setting, for what must be known before the configuration file is read. Throws `TSGI_ERR_OPTION`. */
export function givenText(key: SettingKey, sources: SettingSources, command: CommandName): string | undefined {
  const row = rowsOf(command).find(([name]) => name === key)?.[1]
  const value = row === undefined ? undefined : resolveOne(key, row, sources, command).value
  return typeof value === 'string' ? value : undefined
}

/** A variable that is none of ours, but nearly: somebody means a setting. Other programs' `TSGI_` variables are let be. */
function refuseSlips(environment: SettingSources['environment']): void {
  const known = knownVariables()
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('TSGI_') || known.has(name) || environment[name] === undefined) continue
    const bare = [...known].map((each) => each.slice('TSGI_'.length))
    const near = nearestName(name.slice('TSGI_'.length), bare)
    if (near === undefined) continue
    throw new TsgiError('TSGI_ERR_OPTION', `unknown environment variable ${quote(name)}; did you mean "TSGI_${near}"?`)
  }
}

interface Given {
  readonly source: string
  /** The flag, variable or key, as the user wrote it. */
  readonly origin: string
  readonly texts: readonly string[]
}

function resolveOne(
  key: string,
  row: AnySetting,
  sources: SettingSources,
  command: CommandName,
): { value: unknown; source: string } {
  const flags = flagsOf(key, row, command)
  const found =
    fromCommandLine(flags, sources.commandLine) ??
    fromEnvironment(flags.map(variableName), row, sources.environment) ??
    fromFile(key, row, sources.file) ??
    fromEnvironment(row.foreignVariables ?? [], row, sources.environment)
  if (found === undefined) return { value: row.default, source: 'default' }
  const values = found.texts.map((value) => parseValue(row.kind, value, found.origin))
  const several = row.kind.arity === 'list' || row.kind.arity === 'pairs'
  return { value: several ? values : values.at(-1), source: found.source }
}

function fromCommandLine(flags: readonly string[], commandLine: SettingSources['commandLine']): Given | undefined {
  const used = flags.filter((flag) => commandLine[configurationKey(flag)] !== undefined)
  if (used.length > 1) {
    throw new TsgiError('TSGI_ERR_OPTION', `${used.map((flag) => `--${flag}`).join(' and ')} are one setting; give one of them`)
  }
  const flag = used[0]
  if (flag === undefined) return undefined
  const value = commandLine[configurationKey(flag)]
  return { source: 'command line', origin: `--${flag}`, texts: Array.isArray(value) ? value.map(String) : [String(value)] }
}

function fromEnvironment(
  variables: readonly string[],
  row: AnySetting,
  environment: SettingSources['environment'],
): Given | undefined {
  for (const variable of variables) {
    const value = environment[variable]
    // An empty variable is how shells and compose files write "not set".
    if (value === undefined || value === '') continue
    return { source: variable, origin: variable, texts: row.kind.split?.(value) ?? [value] }
  }
  return undefined
}

function fromFile(key: string, row: AnySetting, file: SettingsFile | undefined): Given | undefined {
  const written = row.notInFile === true ? undefined : file?.values.get(key)
  if (file === undefined || written === undefined) return undefined
  const origin = `${key} in ${file.name}`
  const texts = textsOf(row.kind, written)
  if (texts === undefined) {
    const type = row.kind.writtenAs ?? 'string'
    const shown = Array.isArray(written) ? 'an array' : quote(written)
    throw new TsgiError('TSGI_ERR_OPTION', `${origin} is ${shown}, but takes ${type}: ${row.kind.accepted}`)
  }
  // An empty list is none, as an empty variable is.
  if (texts.length === 0) return undefined
  return {
    source: file.name,
    origin,
    texts: texts.map((text) => withPaths(row, text, file.directory)),
  }
}

/** The text with the path in it, if it holds one, from the configuration file's directory. */
function withPaths({ kind }: AnySetting, text: string, directory: string): string {
  if (kind.pathInPair === true) {
    const [name = '', path = ''] = text.split(PAIR_SEPARATOR, 2)
    return `${name}${PAIR_SEPARATOR}${fromDirectory(directory, path)}`
  }
  return kind.path !== true || kind.noPath?.includes(text) === true ? text : fromDirectory(directory, text)
}

/** An empty path stays one, to be refused. */
function fromDirectory(directory: string, path: string): string {
  return path === '' ? path : resolve(directory, path)
}
