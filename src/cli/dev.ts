import type { Command } from 'commander'

import { addSettings } from '../settings/settings-options.ts'
import { addCommand } from './run-program.ts'
import { withSettings } from './with-settings.ts'

/** `tsgi dev` */
export function addDevCommand(program: Command): void {
  const command = addCommand(program, 'dev', 'Serve by HTTP for development: reload on change, error pages with source').argument(
    '[APP]',
    'path[:export] of the application (default: app in tsgi.config.ts, else wsgi.ts or wsgi.js here)',
  )
  addSettings(command, 'dev').action(async (app: string | undefined, options: Record<string, unknown>) => {
    // Its file watcher and its pages are nothing that another command needs.
    const { checkDev, dev } = await import('../dev-server/dev.ts')
    process.exitCode = await withSettings('dev', app, options, { start: dev, check: checkDev })
  })
}
