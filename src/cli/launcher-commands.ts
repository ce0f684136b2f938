import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'

import { setUpServer } from '../launcher/set-up-server.ts'
import { addSettings } from '../settings/settings-options.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { withoutControlSocket } from './ctl.ts'
import { addCommand } from './run-program.ts'
import { withSettings } from './with-settings.ts'

/** The argument of every command that is about an application. */
export const APP_HELP = 'path[:export] of the application (default: app in tsgi.config.ts, else wsgi.ts or wsgi.js here)'

type Read = ReadSettings<'start-server'>

/** A command with all the options of start-server. Its action and further arguments are still to be added. */
export function addLauncherCommand(program: Command, name: string, description: string): Command {
  return addSettings(addCommand(program, name, description), 'start-server').addOption(withoutControlSocket())
}

/** `setup-server`. */
export function addSetUpCommand(program: Command, check: (read: Read) => Promise<readonly string[]>): void {
  addLauncherCommand(program, 'setup-server', 'Write what start-server would, and a control script; start nothing')
    .argument('[APP]', APP_HELP)
    .action(async (app: string | undefined, options: Record<string, unknown>) => {
      process.exitCode = await withSettings('start-server', app, options, { start: setUp, check })
    })
}

async function setUp(read: Read): Promise<number> {
  const beside = fileURLToPath(new URL('.', import.meta.url))
  const text = await setUpServer(read, {
    args: process.argv.slice(process.argv.indexOf('setup-server') + 1),
    environment: process.env,
    directory: process.cwd(),
    node: [process.execPath, ...process.execArgv],
    launcher: join(beside, 'tsgi-express.js'),
    server: join(beside, 'tsgi.js'),
  })
  process.stdout.write(text)
  return 0
}
