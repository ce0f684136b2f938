import { Option } from 'commander'
import type { Command } from 'commander'

import { TsgiError } from '../interface/errors.ts'
import { configurationKey, flagName, SETTINGS, variableName } from './settings-table.ts'
import type { CommandName, Setting, SettingKey, Settings } from './settings-table.ts'
import { PAIR_SEPARATOR, parseValue } from './settings-values.ts'
import type { ValueKind } from './settings-values.ts'

export type { CommandName, SettingKey, Settings } from './settings-table.ts'

/** One row of the table, seen without its own types. */
type AnySetting = Setting<ValueKind<unknown>, unknown>

/** Where a value came from. */
export type SettingSource = 'command line' | 'environment' | 'default'

/** The settings that a command takes, in the order of the table. */
function rows(command: CommandName): [key: SettingKey, row: AnySetting][] {
  // The cast restores the key type that Object.entries drops.
  return (Object.entries(SETTINGS) as [SettingKey, AnySetting][]).filter(([, row]) => row.commands.includes(command))
}

/** The flags of a setting without their dashes, the one that help shows first. */
function flagsOf(key: string, row: AnySetting, command: CommandName): string[] {
  const preferred = row.preferred?.[command]
  const names = [flagName(key), ...(row.aliases ?? [])]
  return preferred === undefined ? names : [preferred, ...names.filter((name) => name !== preferred)]
}

/**
 * Gives a commander command the options of `name`. Read them with `resolveSettings(command.opts(), process.env, name)`:
 * commander keeps the texts, so that a bad value is reported in one way wherever it comes from.
 */
export function addSettings(command: Command, name: CommandName): Command {
  for (const [key, row] of rows(name)) {
    for (const [index, flag] of flagsOf(key, row, name).entries()) {
      for (const option of optionsOf(flag, row)) {
        if (index > 0) option.hideHelp()
        command.addOption(option)
      }
    }
  }
  command.addHelpText(
    'after',
    `\nEvery option is also an environment variable: --${flagName('logLevel')} is ${variableName(flagName('logLevel'))}.`,
  )
  // commander has no option with exactly two values, so NAME VALUE is joined before it looks.
  const parseOptions = command.parseOptions.bind(command)
  command.parseOptions = (argv) => parseOptions(joinPairs(argv, name))
  return command
}

function optionsOf(flag: string, row: AnySetting): Option[] {
  const { placeholder, arity } = row.kind
  if (arity === 'switch') {
    return [new Option(`--${flag}`, row.help).helpGroup(`${row.theme}:`), new Option(`--no-${flag}`).hideHelp()]
  }
  const shown =
    row.defaultText ?? (typeof row.default === 'string' || typeof row.default === 'number' ? String(row.default) : undefined)
  const option = new Option(`--${flag} <${placeholder}>`, shown === undefined ? row.help : `${row.help} (default: ${shown})`)
  if (arity !== 'one') option.argParser((value: string, earlier: string[] | undefined) => [...(earlier ?? []), value])
  return [option.helpGroup(`${row.theme}:`)]
}

/**
 * `--setenv NAME VALUE` → `--setenv=NAME<NUL>VALUE`. `--setenv NAME=VALUE`, which people also write, is one argument already.
 * Only where an option can stand: not behind `--`, and not where the text is another option's value.
 */
function joinPairs(argv: readonly string[], command: CommandName): string[] {
  const arities = new Map(
    rows(command).flatMap(([key, row]) => flagsOf(key, row, command).map((flag) => [`--${flag}`, row.kind.arity])),
  )
  const joined: string[] = []
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? ''
    if (argument === '--') return [...joined, ...argv.slice(index)]
    const arity = arities.get(argument)
    const next = argv[index + 1]
    const second = argv[index + 2]
    if (arity === 'pairs' && next !== undefined) {
      index += 1
      if (next.includes('=') || second === undefined) {
        joined.push(`${argument}=${next}`)
      } else {
        index += 1
        joined.push(`${argument}=${next}${PAIR_SEPARATOR}${second}`)
      }
    } else {
      joined.push(argument)
      if ((arity === 'one' || arity === 'list') && next !== undefined) {
        index += 1
        joined.push(next)
      }
    }
  }
  return joined
}

/**
 * The values of a command's settings: the command line over the environment over the defaults.
 *
 * `commandLine` is commander's `opts()`. Throws `TSGI_ERR_OPTION`, and what the address parser throws.
 */
export function resolveSettings<C extends CommandName>(
  commandLine: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  command: C,
): Settings<C> {
  const values = rows(command).map(([key, row]) => [key, resolveOne(key, row, commandLine, environment, command).value])
  // Every value went through the `parse` of its row, which is what Settings is made of.
  return Object.fromEntries(values) as Settings<C>
}

/** Where the value of one setting comes from; reads no value. */
export function settingSource(
  key: SettingKey,
  commandLine: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  command: CommandName,
): SettingSource {
  const row: AnySetting = SETTINGS[key]
  return given(key, row, commandLine, environment, command)?.source ?? 'default'
}

interface Given {
  readonly source: SettingSource
  /** The flag or variable, as the user wrote it. */
  readonly origin: string
  readonly texts: readonly string[]
}

function resolveOne(
  key: string,
  row: AnySetting,
  commandLine: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  command: CommandName,
): { value: unknown; source: SettingSource } {
  const found = given(key, row, commandLine, environment, command)
  if (found === undefined) return { value: row.default, source: 'default' }
  const values = found.texts.map((value) => parseValue(row.kind, value, found.origin))
  const several = row.kind.arity === 'list' || row.kind.arity === 'pairs'
  return { value: several ? values : values.at(-1), source: found.source }
}

function given(
  key: string,
  row: AnySetting,
  commandLine: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  command: CommandName,
): Given | undefined {
  const flags = flagsOf(key, row, command)
  const used = flags.filter((flag) => commandLine[configurationKey(flag)] !== undefined)
  if (used.length > 1) {
    throw new TsgiError('TSGI_ERR_OPTION', `${used.map((flag) => `--${flag}`).join(' and ')} are one setting; give one of them`)
  }
  const flag = used[0]
  if (flag !== undefined) {
    const value = commandLine[configurationKey(flag)]
    return { source: 'command line', origin: `--${flag}`, texts: Array.isArray(value) ? value.map(String) : [String(value)] }
  }
  for (const variable of [...flags.map(variableName), ...(row.foreignVariables ?? [])]) {
    const value = environment[variable]
    // An empty variable is how shells and compose files write "not set".
    if (value === undefined || value === '') continue
    return { source: 'environment', origin: variable, texts: row.kind.split?.(value) ?? [value] }
  }
  return undefined
}
