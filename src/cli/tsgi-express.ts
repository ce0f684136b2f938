#!/usr/bin/env node
import { checkServer } from '../launcher/check-server.ts'
import { startServer } from '../launcher/start-server.ts'
import { addSettings } from '../settings/settings-options.ts'
import { withoutControlSocket } from './ctl.ts'
import { addCommand, createProgram, runProgram } from './run-program.ts'
import { withSettings } from './with-settings.ts'

const program = createProgram(
  'tsgi-express',
  'Serves a TypeScript or JavaScript application behind nginx: one command writes the configuration and starts both.',
)
const startServerCommand = addCommand(
  program,
  'start-server',
  'Start proxy and application, and stay in the foreground',
).argument('[APP]', 'path[:export] of the application (default: app in tsgi.config.ts, else wsgi.ts or wsgi.js here)')
addSettings(startServerCommand, 'start-server')
  .addOption(withoutControlSocket())
  .action(async (app: string | undefined, options: Record<string, unknown>) => {
    process.exitCode = await withSettings('start-server', app, options, { start: startServer, check: checkServer })
  })

await runProgram(program)
