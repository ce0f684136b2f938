#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'

import { TsgiError } from '../interface/errors.ts'
import { cleanLines } from '../launcher/log-files.ts'
import { startServer } from '../launcher/start-server.ts'
import { defaultApp } from '../process/app-specifier.ts'
import { addSettings, resolveSettings } from '../process/settings.ts'

/** 0: stopped as it was asked to. 1: it could not start, or ended by itself. 2: the command line is wrong. */
const EXIT_RUNTIME = 1
const EXIT_USAGE = 2

const program = new Command('tsgi-express')
  .description(
    'Serves a TypeScript or JavaScript application behind nginx: one command writes the configuration and starts both.',
  )
  .version(packageVersion(), '--version', 'Print the version')
  .helpOption('--help', 'Print this help')
  .helpCommand(false)
  .exitOverride()

const startServerCommand = program
  .command('start-server')
  .argument('[APP]', 'path[:export] of the application (default: wsgi.ts, else wsgi.js, in this directory)')
  .description('Start proxy and application, and stay in the foreground')
  .helpOption('--help', 'Print this help')
  .exitOverride()
addSettings(startServerCommand, 'start-server').action(async (app: string | undefined, options: Record<string, unknown>) => {
  const settings = resolveSettings(options, process.env, 'start-server')
  process.exitCode = await startServer({ app: app ?? defaultApp(process.cwd()), settings })
})

// A reader that has gone, such as `head`, or a terminal that was closed must not end the server.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
// Nothing is left to do; what still holds the event loop, such as a timer of a dependency, must not hold the exit.
process.exit()

/** Says what went wrong and gives the exit code. commander has printed its own messages. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (!(error instanceof TsgiError)) {
    process.stderr.write(`tsgi-express: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return EXIT_RUNTIME
  }
  // One message: what is behind it has been put into words, and the application's error has its stack in it.
  process.stderr.write(`tsgi-express: ${error.code} ${cleanLines(error.message).join('\n')}\n`)
  return error.code === 'TSGI_ERR_OPTION' ? EXIT_USAGE : EXIT_RUNTIME
}

function packageVersion(): string {
  // The package's own file, which every package has.
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
