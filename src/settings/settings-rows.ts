import type { CommandName, Setting } from './setting.ts'
import { configurationKey, flagName, variableName } from './setting-names.ts'
import { SETTINGS } from './settings-table.ts'
import type { SettingKey } from './settings-table.ts'
import type { ValueKind } from './settings-values.ts'

/** One row of the table, seen without its own types. */
export type AnySetting = Setting<ValueKind<unknown, unknown>, unknown>

/** Names the application, as the argument APP does; not in the table, as it is no option. */
export const APP_VARIABLE = 'TSGI_APP'

/** Every setting, in the order of the table. */
export function allRows(): [key: SettingKey, row: AnySetting][] {
  // The cast restores the key type that Object.entries drops.
  return Object.entries(SETTINGS) as [SettingKey, AnySetting][]
}

/** The settings that a command takes, in the order of the table. */
export function rowsOf(command: CommandName): [key: SettingKey, row: AnySetting][] {
  return allRows().filter(([, row]) => row.commands.includes(command))
}

/** The flags of a setting without their dashes, the one that help shows first. */
export function flagsOf(key: string, row: AnySetting, command: CommandName): string[] {
  const preferred = row.preferred?.[command]
  const names = namesOf(key, row)
  return preferred === undefined ? names : [preferred, ...names.filter((name) => name !== preferred)]
}

/** Every variable that means something to some command. */
export function knownVariables(): Set<string> {
  return new Set([APP_VARIABLE, ...allRows().flatMap(([key, row]) => namesOf(key, row).map(variableName))])
}

/** The keys of a configuration file, `app` apart. */
export function fileKeys(): Set<string> {
  return new Set(allRows().flatMap(([key, row]) => (row.notInFile === true ? [] : [key])))
}

/** The other names of settings, as somebody may write them in a configuration file, to their keys. */
export function keyAliases(): Map<string, string> {
  return new Map(allRows().flatMap(([key, row]) => (row.aliases ?? []).map((alias) => [configurationKey(alias), key] as const)))
}

function namesOf(key: string, row: AnySetting): string[] {
  return [flagName(key), ...(row.aliases ?? [])]
}
