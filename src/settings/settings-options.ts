import { Option } from 'commander'
import type { Command } from 'commander'

import { flagsOf, rowsOf } from './settings-rows.ts'
import type { AnySetting } from './settings-rows.ts'
import type { CommandName } from './setting.ts'
import { flagName, variableName } from './setting-names.ts'
import { PAIR_SEPARATOR } from './settings-values.ts'

/**
 * Gives a commander command the options of `name`. Read them with `resolveSettings(command.opts(), process.env, name)`:
 * commander keeps the texts, so that a bad value is reported in one way wherever it comes from.
 */
export function addSettings(command: Command, name: CommandName): Command {
  addRows(command, name, rowsOf(name))
  command.addHelpText(
    'after',
    `\nEvery option is also an environment variable (--${flagName('logLevel')} is ${variableName(flagName('logLevel'))}) and a key of tsgi.config.ts (logLevel).` +
      '\nThe command line holds over the environment, and that over the file. --print-config shows what holds, and why.',
  )
  return command
}

/** Gives a commander command some of the options of `name`. */
export function addSomeSettings(command: Command, name: CommandName, keys: readonly string[]): Command {
  addRows(
    command,
    name,
    rowsOf(name).filter(([key]) => keys.includes(key)),
  )
  return command
}

function addRows(command: Command, name: CommandName, rows: ReturnType<typeof rowsOf>): void {
  for (const [key, row] of rows) {
    for (const [index, flag] of flagsOf(key, row, name).entries()) {
      for (const option of optionsOf(flag, row)) {
        if (index > 0) option.hideHelp()
        command.addOption(option)
      }
    }
  }
  // commander has no option with exactly two values, so NAME VALUE is joined before it looks.
  const parseOptions = command.parseOptions.bind(command)
  command.parseOptions = (argv) => parseOptions(joinArguments(argv, name))
}

function optionsOf(flag: string, row: AnySetting): Option[] {
  const { placeholder, arity, bare } = row.kind
  if (arity === 'switch') {
    return [new Option(`--${flag}`, row.help).helpGroup(`${row.theme}:`), new Option(`--no-${flag}`).hideHelp()]
  }
  const value = bare === undefined ? `<${placeholder}>` : `[${placeholder}]`
  const shown =
    row.defaultText ?? (typeof row.default === 'string' || typeof row.default === 'number' ? String(row.default) : undefined)
  const option = new Option(`--${flag} ${value}`, shown === undefined ? row.help : `${row.help} (default: ${shown})`)
  if (arity !== 'one') option.argParser((text: string, earlier: string[] | undefined) => [...(earlier ?? []), text])
  return [option.helpGroup(`${row.theme}:`)]
}

/**
 * `--setenv NAME VALUE` → `--setenv=NAME<NUL>VALUE`. `--setenv NAME=VALUE`, which people also write, is one argument already.
 * `--print-config` → `--print-config=text`, so that it takes no application for its value.
 * Only where an option can stand: not behind `--`, and not where the text is another option's value.
 */
function joinArguments(argv: readonly string[], command: CommandName): string[] {
  const kinds = new Map<string, AnySetting['kind']>(
    rowsOf(command).flatMap(([key, row]) => flagsOf(key, row, command).map((flag) => [`--${flag}`, row.kind] as const)),
  )
  const joined: string[] = []
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? ''
    if (argument === '--') return [...joined, ...argv.slice(index)]
    const { arity, bare } = kinds.get(argument) ?? {}
    const next = argv[index + 1]
    const second = argv[index + 2]
    if (bare !== undefined) {
      joined.push(`${argument}=${bare}`)
    } else if (arity === 'pairs' && next !== undefined) {
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
