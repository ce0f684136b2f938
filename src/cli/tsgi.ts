#!/usr/bin/env node
import { defaultApp } from '../process/app-specifier.ts'
import { groupId } from '../process/group-id.ts'
import { createLogger, writeToStderr } from '../process/log.ts'
import { Master } from '../process/master.ts'
import { writePidFile } from '../process/pid-file.ts'
import { addSettings, resolveSettings } from '../process/settings.ts'
import type { Settings } from '../process/settings.ts'
import { supervise } from '../process/supervise.ts'
import { inheritedSockets, reportUpgraded } from '../process/upgrade.ts'
import { workerOptions } from '../process/worker-options.ts'
import { formatBindAddress } from '../server/address.ts'
import { addCommand, createProgram, runProgram } from './run-program.ts'

/** What would end the process in the middle of its start, before supervision takes the signals over. */
const START_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const

const program = createProgram(
  'tsgi',
  'The application server of TSGI: serves a TypeScript or JavaScript application behind a proxy that is there already.',
)
const serveCommand = addCommand(program, 'serve', 'Start the workers, and stay in the foreground').argument(
  '[APP]',
  'path[:export] of the application (default: wsgi.ts, else wsgi.js, in this directory)',
)
addSettings(serveCommand, 'serve').action(async (app: string | undefined, options: Record<string, unknown>) => {
  process.exitCode = await serve(app, resolveSettings(options, process.env, 'serve'))
})

await runProgram(program)

/** Runs until a signal or a failure ends it; resolves to the exit code. */
async function serve(app: string | undefined, settings: Settings<'serve'>): Promise<number> {
  const { socketGroup, socketMode, protocol, logLevel } = settings
  const group = socketGroup === undefined ? {} : { group: groupId(socketGroup) }
  const log = createLogger({ level: logLevel, write: writeToStderr })
  const inherited = inheritedSockets()
  const master = new Master({
    ...workerOptions(settings, app ?? defaultApp(process.cwd()), log),
    binds: settings.bind.map((address) => ({ address, protocol, mode: socketMode, ...group })),
    ...(inherited === undefined ? {} : { inherited }),
  })
  let removePidFile = inherited === undefined ? pidFile(settings) : undefined
  let interrupted = false
  const interrupt = (): void => {
    interrupted = true
    master.stop('quick').catch(() => {})
  }
  for (const signal of START_SIGNALS) process.on(signal, interrupt)
  try {
    const { addresses, bootMs } = await master.start()
    // supervise takes the signals over before it returns its promise: none is lost between the two.
    const ended = supervise({ master, log, drainDelayMs: settings.drainDelay })
    for (const signal of START_SIGNALS) process.off(signal, interrupt)
    for (const address of addresses) process.stdout.write(`Listening on ${formatBindAddress(address)}\n`)
    const { processes: workers } = settings
    process.stdout.write(`Ready: ${workers} worker${workers === 1 ? '' : 's'}, ${Math.round(bootMs)} ms\n`)
    if (inherited !== undefined) {
      removePidFile = pidFile(settings, process.ppid)
      reportUpgraded()
    }
    return await ended
  } catch (error) {
    if (!interrupted) throw error
    process.stderr.write('tsgi: stopped before it was ready\n')
    return 0
  } finally {
    removePidFile?.()
  }
}

/** Writes the pid file that was asked for; gives what removes it. `predecessor`: the master whose place this one takes. */
function pidFile({ pidFile: path }: Settings<'serve'>, predecessor?: number): (() => void) | undefined {
  return path === undefined ? undefined : writePidFile(path, predecessor)
}
