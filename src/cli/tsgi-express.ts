#!/usr/bin/env node
import { startServer } from '../launcher/start-server.ts'
import { defaultApp } from '../process/app-specifier.ts'
import { addSettings, resolveSettings } from '../process/settings.ts'
import { addCommand, createProgram, runProgram } from './run-program.ts'

const program = createProgram(
  'tsgi-express',
  'Serves a TypeScript or JavaScript application behind nginx: one command writes the configuration and starts both.',
)
const startServerCommand = addCommand(
  program,
  'start-server',
  'Start proxy and application, and stay in the foreground',
).argument('[APP]', 'path[:export] of the application (default: wsgi.ts, else wsgi.js, in this directory)')
addSettings(startServerCommand, 'start-server').action(async (app: string | undefined, options: Record<string, unknown>) => {
  const settings = resolveSettings(options, process.env, 'start-server')
  process.exitCode = await startServer({ app: app ?? defaultApp(process.cwd()), settings })
})

await runProgram(program)
