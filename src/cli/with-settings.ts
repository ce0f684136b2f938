import { checkCounts } from '../process/worker-options.ts'
import { printSettings } from '../settings/settings-print.ts'
import { readSettings } from '../settings/settings-read.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { asSettings } from '../settings/settings.ts'
import type { CommandName } from '../settings/settings.ts'

/** What a command does with its settings. Both resolve or reject as an action does. */
interface Actions<C extends CommandName> {
  /** Starts, and resolves to the exit code. */
  readonly start: (read: ReadSettings<C>) => Promise<number>
  /** Tests what can be tested without a start; resolves to what was found, for the line that says that all is well. */
  readonly check: (read: ReadSettings<C>) => Promise<readonly string[]>
}

/** Reads the settings of a command, then starts it, or does what `--check-config` and `--print-config` ask for instead. */
export async function withSettings<C extends CommandName>(
  command: C,
  app: string | undefined,
  options: Record<string, unknown>,
  { start, check }: Actions<C>,
): Promise<number> {
  const read = await readSettings({ command, app, options, environment: process.env, directory: process.cwd() })
  // Every command takes these two, which the compiler cannot see of a command that is not known yet.
  const { checkConfig, printConfig, ...settings } = asSettings<CommandName>(read.resolved)
  if (command !== 'dev') checkCounts(settings)
  if (!checkConfig && printConfig === undefined) return start(read)
  if (checkConfig) {
    const found = await check(read)
    // With both, standard output belongs to the settings, which a program may read.
    const stream = printConfig === undefined ? process.stdout : process.stderr
    stream.write(`The configuration is valid: ${[...(read.file === undefined ? [] : [read.file.name]), ...found].join(', ')}\n`)
  }
  if (printConfig !== undefined) process.stdout.write(printSettings(read, printConfig))
  return 0
}
