#!/usr/bin/env node
import { TsgiError } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { workerVariables } from '../settings/env-file.ts'
import { userId } from '../process/account.ts'
import { chooseBinds } from '../process/binds.ts'
import { Control } from '../process/control.ts'
import { groupId } from '../process/group-id.ts'
import { logOptions, rotationOf } from '../process/log-settings.ts'
import { Master } from '../process/master.ts'
import { MetricsServer } from '../process/metrics-server.ts'
import { MetricsSource } from '../process/metrics-source.ts'
import { StatsdSender } from '../process/statsd-sender.ts'
import { warnOfOrphans } from '../process/orphans.ts'
import { writePidFile } from '../process/pid-file.ts'
import { publicBindsDoubt } from '../process/public-binds.ts'
import { rereadOptions } from '../process/reread-settings.ts'
import { ServerLogs } from '../process/server-logs.ts'
import { ServiceNotifier } from '../process/service-notifier.ts'
import { takeServiceVariables } from '../process/service-variables.ts'
import { addSettings } from '../settings/settings-options.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import type { Settings } from '../settings/settings.ts'
import { supervise } from '../process/supervise.ts'
import { inheritedSockets, reportUpgraded } from '../process/upgrade.ts'
import { workerOptions } from '../process/worker-options.ts'
import { workerRights } from '../process/worker-rights.ts'
import { formatBindAddress } from '../server/address.ts'
import { stopSignals, whyNotHere } from '../server/platform.ts'
import { COMMAND_NAMES } from '../process/control-protocol.ts'
import { addCgiCommand } from './cgi-command.ts'
import { addCheckCommand } from './check.ts'
import { addCompletionCommand } from './completion.ts'
import { addControlCommand, withoutControlSocket } from './ctl.ts'
import { addDevCommand } from './dev.ts'
import { addReplayCommand } from './replay.ts'
import { addCommand, createProgram, runProgram } from './run-program.ts'
import { addTopCommand } from './top.ts'
import { withSettings } from './with-settings.ts'

/** What would end the process in the middle of its start, before supervision takes the signals over. */
const START_SIGNALS = stopSignals()

const program = createProgram(
  'tsgi',
  'The application server of TSGI: serves a TypeScript or JavaScript application behind a proxy that is there already.',
)
const serveCommand = addCommand(program, 'serve', 'Start the workers, and stay in the foreground').argument(
  '[APP]',
  'path[:export] of the application (default: app in tsgi.config.ts, else wsgi.ts or wsgi.js here)',
)
addSettings(serveCommand, 'serve')
  .addOption(withoutControlSocket())
  .action(async (app: string | undefined, options: Record<string, unknown>) => {
    process.exitCode = await withSettings('serve', app, options, { start: serve, check })
  })
addCheckCommand(program)
addReplayCommand(program)
addDevCommand(program)
addCgiCommand(program)
addControlCommand(program)
addTopCommand(program)
addCompletionCommand(program, { ctl: COMMAND_NAMES })

await runProgram(program)

/** Throws what a start would say that can be known without one. */
async function check({ app, settings }: ReadSettings<'serve'>): Promise<string[]> {
  locateApp(app, process.cwd())
  workerVariables(settings, process.env)
  socketAccount(settings)
  return [app]
}

/** Runs until a signal or a failure ends it; resolves to the exit code. */
async function serve({ app, settings, resolved, file, reread }: ReadSettings<'serve'>): Promise<number> {
  const { socketMode, socketTakeover: takeover, protocol } = settings
  const logs = new ServerLogs(logOptions(settings, false), settings.logLevel, workerRights(settings).account)
  const { log } = logs
  const inherited = inheritedSockets()
  const service = takeServiceVariables(process.env, process.pid, inherited !== undefined)
  const notifier = new ServiceNotifier({ socket: service.notifySocket, log })
  const given = resolved.some(({ key, source }) => key === 'bind' && source !== 'default')
  const account = socketAccount(settings)
  const master = new Master({
    ...workerOptions(settings, app, log, file),
    logs: logs.options,
    output: logs.output,
    binds: chooseBinds({ bind: settings.bind, given, service, inherited, log }).map((address) => ({
      address,
      protocol,
      mode: socketMode,
      takeover,
      ...account,
    })),
    upgradeVariables: service.forSuccessor,
    ...(inherited === undefined ? {} : { inherited }),
  })
  let removePidFile = inherited === undefined ? pidFile(settings) : undefined
  const metrics = new MetricsSource([master])
  let metricsServer: MetricsServer | undefined
  let statsd: StatsdSender | undefined
  let interrupted = false
  const interrupt = (): void => {
    interrupted = true
    master.stop('quick').catch(() => {})
  }
  for (const signal of START_SIGNALS) process.on(signal, interrupt)
  try {
    metricsServer = await MetricsServer.open({ settings, source: metrics, log, takeOver: inherited !== undefined })
    statsd = StatsdSender.start({ settings, source: metrics, log })
    const { addresses, bootMs } = await master.start()
    // supervise takes the signals over before it returns its promise: none is lost between the two.
    const control = new Control({
      master,
      log,
      path: settings.controlSocket,
      takeOver: inherited !== undefined,
      metrics,
      setLogLevel: (level) => (logs.level = level),
      about: { command: 'tsgi serve' },
    })
    const reopenLogs = (): void => {
      logs.reopen()
      master.reopenLogs()
    }
    const ended = supervise({
      master,
      log,
      notifier,
      drainDelayMs: settings.drainDelay,
      reread: rereadOptions({ app, settings, file }, reread, log),
      reopenLogs,
      control,
    })
    const rotation = rotationOf(settings)
    if (rotation !== undefined) logs.rotate(rotation, reopenLogs)
    for (const signal of START_SIGNALS) process.off(signal, interrupt)
    await control.listen()
    for (const address of addresses) process.stdout.write(`Listening on ${formatBindAddress(address)}\n`)
    const { processes: workers } = settings
    process.stdout.write(`Ready: ${workers} worker${workers === 1 ? '' : 's'}, ${Math.round(bootMs)} ms\n`)
    const doubt = publicBindsDoubt(addresses, protocol)
    if (doubt !== undefined) log.warn(doubt)
    if (process.getuid?.() === 0 && settings.user === undefined) {
      log.warn('running as root: the application is root, too. Start it as a user of its own, or give --user')
    }
    const told = notifier.ready(`Serving: ${workers} worker${workers === 1 ? '' : 's'}`, process.pid)
    notifier.watch(service.watchdogMs, () => master.workers)
    warnOfOrphans(log)
    if (inherited !== undefined) {
      // A service whose main process ends has ended, unless another one is known to be it by then.
      await told
      removePidFile = pidFile(settings, process.ppid)
      reportUpgraded()
    }
    return await ended
  } catch (error) {
    if (!interrupted) throw error
    process.stderr.write('tsgi: stopped before it was ready\n')
    return 0
  } finally {
    metricsServer?.close()
    await statsd?.close()
    removePidFile?.()
    await logs.close()
  }
}

/** Who the unix sockets are given to: as with Gunicorn the account of the workers, unless something else is said. */
function socketAccount(settings: Settings<'serve'>): { owner?: number; group?: number } {
  const { socketOwner, socketGroup } = settings
  const { account } = workerRights(settings)
  const why = socketOwner === undefined && socketGroup === undefined ? undefined : whyNotHere('socketOwner')
  if (why !== undefined) throw new TsgiError('TSGI_ERR_OPTION', `--socket-owner and --socket-group: ${why}`)
  const owner = socketOwner === undefined ? account?.uid : userId(socketOwner, '--socket-owner')
  const group = socketGroup === undefined ? account?.gid : groupId(socketGroup, '--socket-group')
  return { ...(owner === undefined ? {} : { owner }), ...(group === undefined ? {} : { group }) }
}

/** Writes the pid file that was asked for; gives what removes it. `predecessor`: the master whose place this one takes. */
function pidFile({ pidFile: path }: Settings<'serve'>, predecessor?: number): (() => void) | undefined {
  return path === undefined ? undefined : writePidFile(path, predecessor)
}
