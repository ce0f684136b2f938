import { resolve } from 'node:path'

import { defaultApp } from '../loading/app-specifier.ts'
import { readSettingsFile } from './settings-file.ts'
import type { SettingsFile } from './settings-file.ts'
import { APP_VARIABLE } from './settings-rows.ts'
import { asSettings, givenText, resolveEach } from './settings.ts'
import type { CommandName, ResolvedSetting, Settings, SettingSources } from './settings.ts'

/** Where one command takes its settings from. */
export interface Invocation<C extends CommandName> {
  readonly command: C
  /** The argument APP. */
  readonly app: string | undefined
  /** commander's `opts()`. */
  readonly options: SettingSources['commandLine']
  readonly environment: SettingSources['environment']
  /** The current directory. */
  readonly directory: string
}

export interface ReadSettings<C extends CommandName> {
  /** `path[:export]`, from the current directory; absolute with `--chdir`. */
  readonly app: string
  readonly appSource: string
  readonly settings: Settings<C>
  /** The same with their sources. */
  readonly resolved: readonly ResolvedSetting[]
  readonly file: SettingsFile | undefined
  /** The same once more, for a reload: the file is read anew. */
  readonly reread: () => Promise<ReadSettings<C>>
}

/**
 * Everything that a command is told, from everywhere.
 *
 * Rejects with `TSGI_ERR_OPTION`, `TSGI_ERR_CONFIG`, `TSGI_ERR_APP_NOT_FOUND`, and what the address parser throws.
 */
export async function readSettings<C extends CommandName>(invocation: Invocation<C>): Promise<ReadSettings<C>> {
  const { command, options, environment, directory } = invocation
  const given = { commandLine: options, environment }
  const variable = environment[APP_VARIABLE]
  const [told, toldBy] =
    invocation.app === undefined && variable !== undefined && variable !== ''
      ? [variable, APP_VARIABLE]
      : [invocation.app, 'command line']
  const named = givenText('config', given, command)
  const from = resolve(directory, givenText('chdir', given, command) ?? '')
  const file = await readSettingsFile({ named: named === undefined ? undefined : resolve(directory, named), app: told, from })
  const resolved = resolveEach({ ...given, file }, command)
  const { chdir } = asSettings<CommandName>(resolved)
  const home = resolve(directory, chdir ?? '')
  const [asked, appSource, base] =
    told !== undefined
      ? [told, toldBy, home]
      : file?.app !== undefined
        ? [file.app, file.name, from]
        : [defaultApp(home), 'default', home]
  const app = chdir === undefined ? asked : resolve(base, asked)
  return { app, appSource, settings: asSettings<C>(resolved), resolved, file, reread: () => readSettings(invocation) }
}
