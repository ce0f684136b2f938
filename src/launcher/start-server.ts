import { quote, TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { LogRotation } from '../logging/rotation.ts'
import { Control } from '../process/control.ts'
import { createLogger } from '../process/log.ts'
import type { LoggerOptions } from '../process/log.ts'
import { rotationOf } from '../process/log-settings.ts'
import { MasterGroup } from '../process/master-group.ts'
import { packageVersion } from '../process/package-version.ts'
import { MetricsServer } from '../process/metrics-server.ts'
import { MetricsSource } from '../process/metrics-source.ts'
import { StatsdSender } from '../process/statsd-sender.ts'
import { rereadOptions } from '../process/reread-settings.ts'
import { warnOfOrphans } from '../process/orphans.ts'
import { ServiceNotifier } from '../process/service-notifier.ts'
import { takeServiceVariables } from '../process/service-variables.ts'
import { supervise } from '../process/supervise.ts'
import type { Companion } from '../process/supervise.ts'
import { signalMeanings } from '../server/platform.ts'
import { packageDirectory } from '../settings/settings-file.ts'
import { workerVariables } from '../settings/env-file.ts'
import { workerRights } from '../process/worker-rights.ts'
import { banner } from './banner.ts'
import { applicationsOf } from './applications.ts'
import { bannerFields, publicUrl } from './describe-server.ts'
import { Interruption } from './interruption.ts'
import { quoteLines } from './log-files.ts'
import { LogPipes } from './log-pipes.ts'
import { logFilesOf } from './log-plan.ts'
import { prepare } from './plan.ts'
import { PROXY_MARGIN_MS } from './site.ts'
import type { Plan, StartOptions, Undo } from './plan.ts'
import { probe } from './probe.ts'
import type { ProxyDriver } from './proxy-driver.ts'
import { ProxyReload } from './proxy-reload.ts'
import { RunningConfiguration } from './running-configuration.ts'
import { SideService } from './side-service.ts'
import { watchFailures } from './why/watch-failures.ts'
import type { FailureWatch } from './why/watch-failures.ts'
import { rereadWithEnviron } from './user-files.ts'
import { deathSignalPrefix, ProxyProcess, testConfiguration } from './proxy-process.ts'
import { wantsColour } from './terminal-colour.ts'

/** Time for the first request to go through proxy and worker once both run, milliseconds. */
const PROBE_TIMEOUT_MS = 5000

/** What runs. */
interface Running {
  readonly plan: Plan
  readonly master: MasterGroup
  readonly services: readonly SideService[]
  readonly proxyProcess: ProxyProcess | undefined
  /** What a proxy reads that does so again and again. */
  readonly taken: RunningConfiguration | undefined
  readonly log: Logger
  readonly control: Control
}

/**
 * Starts proxy and workers, prints the banner once a request has gone all the way, and stays until both have stopped.
 * Resolves to the exit code. A start that fails throws a `TsgiError` with the cause; then nothing runs and no file is left.
 */
export async function startServer(options: StartOptions): Promise<number> {
  const interruption = new Interruption()
  const undo: Undo[] = []
  // Before any child is started: neither the proxy nor a worker speaks for the service.
  const service = takeServiceVariables(process.env, process.pid, false)
  let ready = false
  try {
    const running = await start(options, interruption, undo)
    const { master, plan, proxyProcess, taken, services, log, control } = running
    const reopenLogs = (): void => {
      plan.logs.reopen()
      if (taken === undefined) proxyProcess?.reopenLogs()
      else taken.pipes.reopen()
      master.reopenLogs()
    }
    const proxyReload =
      plan.proxy === undefined || proxyProcess === undefined ? undefined : new ProxyReload(plan, plan.proxy, proxyProcess, taken)
    const notifier = new ServiceNotifier({ socket: service.notifySocket, log })
    // supervise takes the signals over before it returns its promise: none is lost between the two.
    const ended = supervise({
      master,
      companions: [...(proxyProcess === undefined ? [] : [companion(proxyProcess, proxyReload, log)]), ...services],
      log,
      notifier,
      upgradable: false,
      ...(options.reread === undefined
        ? {}
        : { reread: rereadOptions(plan, rereadWithEnviron(options.reread), log, proxyReload) }),
      drainDelayMs: plan.settings.drainDelay,
      gracefulTimeoutMs: plan.settings.gracefulTimeout,
      reopenLogs,
      control,
    })
    ready = true
    await control.listen()
    startRotation(plan, log, reopenLogs, undo)
    if (plan.settings.reloadOnChanges) undo.push(await watchForChanges(plan, log, control))
    warn(plan)
    if (service.sockets.length > 0) log.warn('start-server takes no sockets from systemd (LISTEN_FDS); `tsgi serve` does')
    warnOfOrphans(log)
    void notifier.ready(`Serving: ${master.size} worker(s)`, process.pid)
    notifier.watch(service.watchdogMs, () => master.workers)
    const fields = bannerFields(plan, master, proxyProcess?.pid)
    log.info(
      `ready: ${fields.httpsUrl ?? fields.url}, ${fields.serverType}, tsgi ${packageVersion()} on Node ${process.versions.node}`,
    )
    process.stdout.write(
      options.json === true ? `${JSON.stringify({ ready: true, ...fields })}\n` : banner(fields, wantsColour(process.stdout)),
    )
    return await ended
  } catch (error) {
    if (ready || !interruption.signal.aborted) throw error
    process.stderr.write('tsgi-express: stopped before it was ready\n')
    return 0
  } finally {
    await takeBack(undo)
    // Until here: a signal must not kill the launcher while it cleans up.
    interruption.release()
  }
}

/** Takes the steps back, the last one first; one that fails holds none of the others up. */
export async function takeBack(undo: readonly Undo[]): Promise<void> {
  for (const step of undo.toReversed()) {
    try {
      await step()
    } catch (error) {
      process.stderr.write(`tsgi-express: cleaning up: ${quote(error)}\n`)
    }
  }
}

/** The proxy as what is supervised: its end has a code. */
function companion(proxyProcess: ProxyProcess, proxyReload: ProxyReload | undefined, log: Logger): Companion {
  return {
    name: proxyProcess.name,
    stop: (how) => proxyProcess.stop(how),
    reload() {
      try {
        if (proxyReload?.apply() === true) log.info(`${proxyProcess.name} takes a new configuration`)
      } catch (error) {
        log.error(`${proxyProcess.name} goes on with the configuration that it has; make room and send HUP again`, error)
      }
    },
    exited: proxyProcess.exited.then((line) => `TSGI_ERR_PROXY_EXIT ${line}`),
  }
}

/** Every step leaves in `undo` what takes it back. */
async function start(options: StartOptions, interruption: Interruption, undo: Undo[]): Promise<Running> {
  const plan = await prepare(options, undo)
  interruption.signal.throwIfAborted()
  const { proxy, root, logs, settings } = plan
  // The terminal gets warnings, too, but only once it has the banner: before that, an error is the one message that ends the start.
  const terminal = { open: false }
  const logging = { level: settings.logLevel, format: settings.logFormat, write: (line: string): void => logs.writeLine(line) }
  const log = createLog(plan, logging, terminal)
  const { first, others } = applicationsOf(plan, log)
  const master = new MasterGroup(first, others)
  const metrics = new MetricsSource(master.masters)
  const why = proxy === undefined ? undefined : watchFailures(plan, proxy.type, master.masters, log)
  undo.push(() => why?.close())
  const metricsServer = await MetricsServer.open({ settings, source: metrics, log })
  undo.push(() => metricsServer?.close())
  const statsd = StatsdSender.start({ settings, source: metrics, log })
  undo.push(() => statsd?.close())
  let proxyProcess: ProxyProcess | undefined
  let taken: RunningConfiguration | undefined
  const services: SideService[] = []
  undo.push(() => master.stop('quick'))
  const failure = new Promise<never>((_, reject) => {
    master.once('failed', reject)
    interruption.signal.addEventListener('abort', () => {
      reject(new Error('interrupted', { cause: interruption.signal.reason }))
    })
  })
  try {
    const test = proxy === undefined ? undefined : tested(plan, proxy, log, undo, why)
    const prefix = proxy === undefined ? [] : deathSignalPrefix()
    const [copied] = await Promise.race([failure, Promise.all([test, master.start()])])
    taken = copied
    if (proxy !== undefined) {
      const started = new ProxyProcess(
        proxy,
        root,
        taken?.pipes.logs ?? logs,
        await prefix,
        settings.gracefulTimeout + PROXY_MARGIN_MS,
      )
      undo.push(() => started.stop('quick'))
      proxyProcess = started
    }
    startServices(plan, log, services, undo)
    await Promise.race([failure, probeThrough(plan, proxyProcess, interruption.signal)])
  } catch (error) {
    throw interruption.signal.aborted ? error : withLastLines(error, proxyProcess?.lastLines() ?? logs.lastLines())
  } finally {
    // Whoever loses a race has nobody left who listens.
    failure.catch(() => {})
  }
  terminal.open = true
  const control = new Control({
    master,
    log,
    metrics,
    path: settings.controlSocket ?? root.controlSocketPath,
    setLogLevel: (level) => (logging.level = level),
    about: { command: 'tsgi-express start-server', url: publicUrl(plan), serverRoot: root.path },
  })
  return { plan, master, proxyProcess, taken, services, log, control }
}

/** Tests the configuration; where the proxy reads it again and again, also the copy that it is to read, which is what this gives. */
async function tested(
  plan: Plan,
  proxy: ProxyDriver,
  log: Logger,
  undo: Undo[],
  why: FailureWatch | undefined,
): Promise<RunningConfiguration | undefined> {
  const { root, logs } = plan
  await testConfiguration(proxy, root, logs, root.configurationPath)
  if (!proxy.readsAgain) return undefined
  const pipes = await LogPipes.make(root, logs, log, (line) => why?.push(line))
  undo.push(() => pipes.close())
  const taken = new RunningConfiguration(root, proxy, pipes)
  await testConfiguration(proxy, root, logs, taken.copy(plan))
  taken.take()
  return taken
}

function startServices({ settings, logs }: Plan, log: Logger, services: SideService[], undo: Undo[]): void {
  for (const [name, file] of settings.serviceScript) {
    const service = new SideService({
      name,
      file,
      env: workerVariables(settings, process.env),
      rights: workerRights(settings),
      gracefulTimeoutMs: settings.gracefulTimeout,
      log,
      write: (line) => logs.writeLine(line),
    })
    services.push(service)
    undo.push(() => service.stop('quick'))
  }
}

/** Reloads as the operator would when the code changes: by HUP, or by `tsgi ctl` where HUP means something else. */
async function watchForChanges({ app, settings, file }: Plan, log: Logger, control: Control): Promise<Undo> {
  const apps = [app, ...settings.mount.map(([, mounted]) => mounted), ...settings.serviceScript.map(([, script]) => script)]
  // Nobody else needs what it stands on.
  const { watchSources } = await import('./watch-sources.ts')
  return watchSources({
    directories: apps.map((each) => packageDirectory(each, process.cwd()) ?? process.cwd()),
    files: [...(file === undefined ? [] : [file.path]), ...settings.envFile],
    log,
    onChange(path) {
      log.info(`${path} has changed: reloading`)
      if (signalMeanings().get('SIGHUP') === 'reload') process.emit('SIGHUP', 'SIGHUP')
      // What fails is in the log.
      else control.run({ command: 'reload' }).catch(() => {})
    },
  })
}

/** Moves large logs away, the proxy's and the workers' alike. */
function startRotation({ settings, logs }: Plan, log: Logger, reopen: () => void, undo: Undo[]): void {
  const limits = rotationOf(settings)
  if (limits === undefined) return
  const rotation = new LogRotation({ ...limits, files: logFilesOf(logs), log, reopen })
  undo.push(() => rotation.stop())
}

function warn({ account, logs, proxy, settings, warnings }: Plan): void {
  const lines = [...warnings]
  if (process.getuid?.() === 0 && settings.user === undefined) {
    const others =
      account === undefined ? '' : `; only ${proxy?.name ?? 'the proxy'}'s workers are not (they are ${account.user})`
    lines.push(`running as root: the application is root, too${others}. Start it as a user of its own, or give --user`)
  }
  if (logs.notice !== undefined) lines.push(logs.notice)
  for (const line of lines) process.stderr.write(`tsgi-express: warning: ${line}\n`)
}

/** The error log, and from `open` on the terminal for what is worth an interruption. */
function createLog({ settings }: Plan, logging: LoggerOptions, terminal: { open: boolean }): Logger {
  const toLog = createLogger(logging)
  if (settings.logToTerminal) return toLog
  const toTerminal = createLogger({
    level: settings.logLevel === 'error' ? 'error' : 'warn',
    write(line) {
      if (terminal.open) process.stderr.write(`${line}\n`)
    },
  })
  return {
    error(message, error) {
      toLog.error(message, error)
      toTerminal.error(message, error)
    },
    warn(message, error) {
      toLog.warn(message, error)
      toTerminal.warn(message, error)
    },
    info: (message) => toLog.info(message),
    debug: (message) => toLog.debug(message),
  }
}

async function probeThrough(
  { addresses, httpsAddresses, settings, token }: Plan,
  proxyProcess: ProxyProcess | undefined,
  signal: AbortSignal,
): Promise<void> {
  // Plain HTTP may do nothing but redirect.
  const [secureAddress] = httpsAddresses
  const address = secureAddress ?? addresses[0]
  if (address === undefined) throw new TsgiError('TSGI_ERR_LISTEN', 'no address')
  const done = new AbortController()
  const probing = probe({
    address,
    secure: secureAddress !== undefined,
    host: settings.serverName,
    refused: settings.sslCaCertificateFile !== undefined && settings.sslVerifyClient.length === 0,
    mountPoint: settings.mountPoint,
    token,
    timeoutMs: PROBE_TIMEOUT_MS,
    signal: AbortSignal.any([signal, done.signal]),
  })
  if (proxyProcess === undefined) return probing
  const ended = proxyProcess.exited.then((line) => {
    throw new TsgiError('TSGI_ERR_PROXY_EXIT', `${proxyProcess.name}, ${line}`)
  })
  try {
    await Promise.race([probing, ended])
  } finally {
    done.abort()
    for (const loser of [probing, ended]) loser.catch(() => {})
  }
}

function withLastLines(error: unknown, lines: readonly string[]): unknown {
  if (!(error instanceof TsgiError) || lines.length === 0) return error
  error.message += quoteLines('The last lines of the error log:', lines)
  return error
}
