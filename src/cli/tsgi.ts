#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'

import { TsgiError } from '../interface/errors.ts'
import { defaultApp } from '../process/app-specifier.ts'
import { groupId } from '../process/group-id.ts'
import { createLogger, errorLines, writeToStderr } from '../process/log.ts'
import { Master } from '../process/master.ts'
import { writePidFile } from '../process/pid-file.ts'
import { addSettings, resolveSettings } from '../process/settings.ts'
import type { Settings } from '../process/settings.ts'
import { supervise } from '../process/supervise.ts'
import { formatBindAddress } from '../server/address.ts'

/** 0: stopped as it was asked to. 1: it could not start, or ended by itself. 2: the command line is wrong. */
const EXIT_RUNTIME = 1
const EXIT_USAGE = 2

/** What would end the process in the middle of its start, before supervision takes the signals over. */
const START_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const

const program = new Command('tsgi')
  .description(
    'The application server of TSGI: serves a TypeScript or JavaScript application behind a proxy that is there already.',
  )
  .version(packageVersion(), '--version', 'Print the version')
  .helpOption('--help', 'Print this help')
  .helpCommand(false)
  .enablePositionalOptions()
  .exitOverride()

const serveCommand = program
  .command('serve')
  .argument('[APP]', 'path[:export] of the application (default: wsgi.ts, else wsgi.js, in this directory)')
  .description('Start the workers, and stay in the foreground')
  .helpOption('--help', 'Print this help')
  .exitOverride()
addSettings(serveCommand, 'serve').action(async (app: string | undefined, options: Record<string, unknown>) => {
  process.exitCode = await serve(app, resolveSettings(options, process.env, 'serve'))
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

/** Runs until a signal or a failure ends it; resolves to the exit code. */
async function serve(app: string | undefined, settings: Settings<'serve'>): Promise<number> {
  const { socketGroup, socketMode, protocol, logLevel } = settings
  const group = socketGroup === undefined ? {} : { group: groupId(socketGroup) }
  const log = createLogger({ level: logLevel, write: writeToStderr })
  const master = new Master({
    app: app ?? defaultApp(process.cwd()),
    interface: settings.interface,
    binds: settings.bind.map((address) => ({ address, protocol, mode: socketMode, ...group })),
    workers: settings.processes,
    mountPoint: settings.mountPoint,
    startupTimeoutMs: settings.startupTimeout,
    gracefulTimeoutMs: settings.gracefulTimeout,
    env: Object.fromEntries(settings.setenv),
    limitRequestBodyBytes: settings.limitRequestBody,
    log,
    logLevel,
  })
  const removePidFile = settings.pidFile === undefined ? undefined : writePidFile(settings.pidFile)
  let interrupted = false
  const interrupt = (): void => {
    interrupted = true
    master.stop('quick').catch(() => {})
  }
  for (const signal of START_SIGNALS) process.on(signal, interrupt)
  try {
    const { addresses, bootMs } = await master.start()
    // supervise takes the signals over before it returns its promise: none is lost between the two.
    const ended = supervise({ master, log })
    for (const signal of START_SIGNALS) process.off(signal, interrupt)
    for (const address of addresses) process.stdout.write(`Listening on ${formatBindAddress(address)}\n`)
    const { processes: workers } = settings
    process.stdout.write(`Ready: ${workers} worker${workers === 1 ? '' : 's'}, ${Math.round(bootMs)} ms\n`)
    return await ended
  } catch (error) {
    if (!interrupted) throw error
    process.stderr.write('tsgi: stopped before it was ready\n')
    return 0
  } finally {
    removePidFile?.()
  }
}

/** Says what went wrong and gives the exit code. commander has printed its own messages. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  process.stderr.write(`tsgi: ${errorLines(error).join('\n')}\n`)
  return error instanceof TsgiError && (error.code === 'TSGI_ERR_OPTION' || error.code === 'TSGI_ERR_BIND_INVALID')
    ? EXIT_USAGE
    : EXIT_RUNTIME
}

function packageVersion(): string {
  // The package's own file, which every package has.
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
