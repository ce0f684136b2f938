import { flagsOf } from './settings-rows.ts'
import type { AnySetting } from './settings-rows.ts'
import type { CommandName } from './setting.ts'
import { SETTINGS } from './settings-table.ts'
import type { ReadSettings } from './settings-read.ts'
import type { ResolvedSetting } from './settings.ts'

/**
 * What was given on the command line or by variables, as arguments of `command`; what the configuration file says is left to it,
 * and what that command does not take is left out. `without`: keys that are said in another way.
 */
export function argumentsOf(
  { resolved, file }: Pick<ReadSettings<CommandName>, 'resolved' | 'file'>,
  command: CommandName,
  without: ReadonlySet<string> = new Set(),
): string[] {
  return resolved.flatMap((setting) => {
    const row: AnySetting = SETTINGS[setting.key]
    const isGiven = setting.source !== 'default' && setting.source !== file?.name
    const isTaken = row.commands.includes(command) && !without.has(setting.key) && !RUN_ONLY.has(setting.key)
    return isGiven && isTaken ? written(setting, row, command) : []
  })
}

/** About one run, not about the server. */
const RUN_ONLY: ReadonlySet<string> = new Set(['checkConfig', 'printConfig'])

function written({ key, value }: ResolvedSetting, row: AnySetting, command: CommandName): string[] {
  const [flag = key] = flagsOf(key, row, command)
  const { kind } = row
  const text = (each: unknown): string => String(kind.show === undefined ? each : kind.show(each))
  const each = Array.isArray(value) ? value : [value]
  switch (kind.arity) {
    case 'switch':
      return [value === true ? `--${flag}` : `--no-${flag}`]
    case 'pairs':
      return each.flatMap((pair) => [`--${flag}`, ...(Array.isArray(pair) ? pair.map(String) : [])])
    case 'one':
    case 'list':
      // A value that begins with a dash would be taken for an option.
      return each.map(text).flatMap((word) => (word.startsWith('-') ? [`--${flag}=${word}`] : [`--${flag}`, word]))
  }
}
