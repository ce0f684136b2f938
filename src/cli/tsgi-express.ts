#!/usr/bin/env node
import { checkServer } from '../launcher/check-server.ts'
import { startServer } from '../launcher/start-server.ts'
import {
  addDiffCommand,
  addDoctorCommand,
  addEjectCommand,
  addExplainCommand,
  addLauncherCommand,
  addSetUpCommand,
  APP_HELP,
} from './launcher-commands.ts'
import { addCompletionCommand } from './completion.ts'
import { createProgram, runProgram } from './run-program.ts'
import { withSettings } from './with-settings.ts'

const program = createProgram(
  'tsgi-express',
  'Serves a TypeScript or JavaScript application behind nginx or Apache: one command writes the configuration and starts both.',
)
addLauncherCommand(program, 'start-server', 'Start proxy and application, and stay in the foreground')
  .argument('[APP]', APP_HELP)
  .option('--json', 'Say that it is ready in one line of JSON, for programs, in place of the banner')
  .action(async (app: string | undefined, { json, ...options }: Record<string, unknown>) => {
    process.exitCode = await withSettings('start-server', app, options, {
      start: (read) => startServer({ ...read, json: json === true }),
      check: checkServer,
    })
  })
addSetUpCommand(program, checkServer)
addExplainCommand(program)
addDiffCommand(program)
addEjectCommand(program)
addDoctorCommand(program)
addCompletionCommand(program, { eject: ['nginx', 'apache', 'systemd'] })

await runProgram(program)
