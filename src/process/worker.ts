import { basename } from 'node:path'

import { TsgiError } from '../interface/errors.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import { shutDown } from '../server/lifespan.ts'
import { Server } from '../server/server.ts'
import { SlowRequests } from '../server/slow-requests.ts'
import type { DevelopmentPage } from '../development/development-page.ts'
import { describeFailure, describeThrown, ListenError } from './boot-failure.ts'
import { cacheCompiledCode, flushCompiledCode } from '../loading/compile-cache.ts'
import { writeToStderr } from './log.ts'
import { HookRunner } from './hook-runner.ts'
import { ReceivedListeners } from './listener-handover.ts'
import type { WorkerInfo } from '../settings/hooks.ts'
import { startHeartbeat } from './heartbeat.ts'
import { describeKind, prepareApplication } from '../loading/prepare-application.ts'
import type { ServedApplication } from '../loading/prepare-application.ts'
import { onIdle } from './on-idle.ts'
import { passToMaster, takeOver } from './passed-connection.ts'
import { developmentPage, openRecorder } from './optional-parts.ts'
import { ProcessEvents } from './process-events.ts'
import { send, sendAndWait } from './tell-master.ts'
import type { Recorder } from '../recording/recorder.ts'
import { retryReason } from '../loading/typescript-loader.ts'
import { WorkerLogs } from './worker-logs.ts'
import { WorkerReports } from './worker-reports.ts'
import { readMessageToWorker } from './worker-messages.ts'
import type { BootMessage, MessageToMaster } from './worker-messages.ts'

/**
 * The entry of a worker process. It exits the process itself, as nothing else outside src/cli does: a worker has
 * no caller to return to, and an application keeps timers and connections open that would hold the process.
 */

/** What is left for requests in flight when the master is gone or an exception was not caught, milliseconds. */
const LAST_REQUESTS_MS = 1000

/** The same in development, where a request that an exception has left behind is told of it, milliseconds. */
const EXPLAINED_REQUESTS_MS = 100

/** What an application gets to close what it holds, behind its last request, milliseconds: no more than is left, but something. */
const APPLICATION_CLOSE_MS = 5000
const LAST_CLOSE_MS = 200

/** A worker whose master is gone is itself gone after this, whatever is in its way, milliseconds. */
const ORPHAN_LIMIT_MS = 1800

/**
 * What idle connections get to bring one more request, or be closed by the proxy, milliseconds. The configurations for nginx let
 * it close connections that are idle for 2 seconds, and the side that sends requests is the one that can close without a loss.
 */
const HANDOVER_MS = 2500

/** At the end of the whole server: for requests that are on their way in this moment, milliseconds. */
const FRESH_MS = 50

/** A signal to the whole group reaches the master too, whose word is waited for, milliseconds. */
const MASTERS_WORD_MS = 100

/** Those that cannot be inherited here. */
const sockets = new ReceivedListeners()

class Worker {
  readonly #boot: BootMessage
  readonly #log: Logger
  readonly #logs: WorkerLogs
  readonly #reports: WorkerReports
  readonly #events: ProcessEvents
  #application: ServedApplication | undefined
  server: Server | undefined
  /** What the application waits for when it has closed its own server. */
  readonly #onDrained: (() => void)[] = []
  #hooks: HookRunner | undefined
  #page: DevelopmentPage | undefined
  #recorder: Recorder | undefined
  /** `closing`: the last request is finished, and the application closes what it holds. */
  #state: 'booting' | 'ready' | 'stopping' | 'closing' = 'booting'

  constructor(boot: BootMessage, events: ProcessEvents) {
    this.#boot = boot
    this.#events = events
    this.#logs = new WorkerLogs(boot.logs, boot.logLevel)
    this.#reports = new WorkerReports(boot.metrics)
    this.#log = this.#reports.counting(this.#logs.log)
  }

  /** Loads, listens, reports. */
  async run(): Promise<void> {
    const { file, exportName } = this.#boot
    try {
      this.#logs.open()
      this.#recorder = await openRecorder(this.#boot.record, this.#log)
      if (this.#boot.development === true) this.#page = await developmentPage(this.#boot.generation)
      const failurePage = this.#page?.answer
      this.#application = await prepareApplication({
        location: { file, ...(exportName === undefined ? {} : { exportName }) },
        loader: this.#boot.loader,
        interface: this.#boot.interface,
        log: this.#log,
        onClose: (finished) => this.#closedByApplication(finished),
        onWaiting: () => send({ tsgi: 'step', step: 'waiting' }),
        onIdle: (listener) => onIdle(listener),
        failurePage,
      })
      await this.#initHooks()
      const { handler, lifespan } = this.#application
      if (lifespan.hasStartup) send({ tsgi: 'step', step: 'startup' })
      await lifespan.startup()
      send({ tsgi: 'step', step: 'listening' })
      if (this.#state !== 'booting') return
      const { mountPoint, multiprocess, probeToken, maxRequestBodyBytes, maxRequests, clocks, clients } = this.#boot
      const slowMs = clocks?.slowRequestMs ?? 0
      this.server = new Server({
        handler,
        log: this.#log,
        mountPoint,
        multiprocess,
        maxRequests,
        failurePage,
        meter: this.#reports.requests,
        recorder: this.#recorder,
        onEnough: () => send({ tsgi: 'enough' }),
        ...(probeToken === undefined ? {} : { probeToken }),
        ...(this.#logs.access === undefined ? {} : { access: this.#logs.access }),
        ...(maxRequestBodyBytes === undefined ? {} : { maxRequestBodyBytes }),
        ...clocks,
        clients,
        ...(slowMs === 0 ? {} : { slow: new SlowRequests(slowMs, this.#log, (report) => send({ tsgi: 'slow', ...report })) }),
      })
      await this.#listen(this.server)
    } catch (error) {
      this.#failBoot(error)
      return
    }
    this.#state = 'ready'
    send({ tsgi: 'ready', kind: describeKind(this.#application) })
    this.#reports.begin(this.server)
    this.#startHeartbeat(this.server, this.#boot.clocks?.heartbeatTimeoutMs ?? 0, this.#boot.clocks?.slowRequestMs ?? 0)
    flushCompiledCode()
  }

  /** Most servers have no hooks in their workers, which then do not read the configuration. */
  async #initHooks(): Promise<void> {
    const { hooksFile } = this.#boot
    if (hooksFile === undefined) return
    const { readSettingsFile } = await import('../settings/settings-file.ts')
    const file = await readSettingsFile({ named: hooksFile, app: undefined, from: process.cwd() })
    this.#hooks = new HookRunner(() => file?.hooks, this.#log)
    await this.#hooks.call('postWorkerInit', this.#info)
  }

  get #info(): WorkerInfo {
    const { id, generation } = this.#boot
    return { pid: process.pid, id, generation }
  }

  #startHeartbeat(server: Server, timeoutMs: number, slowMs: number): void {
    if (timeoutMs === 0 && slowMs === 0) return
    startHeartbeat({
      timeoutMs,
      slowMs,
      errorLog: this.#logs.errorLog,
      inFlight: (limit) => server.describeRequests(limit),
      onBeat: (debugged) => send({ tsgi: 'beat', debugged }),
      onStuck: (where, stuckMs) => send({ tsgi: 'stuck', where, stuckMs }),
      onBlocked: (stack) => server.admission?.blocked(stack),
      onLost: (error) => this.#log.warn('nothing watches for a stuck event loop any more, but the master', error),
    })
  }

  async #listen(server: Server): Promise<void> {
    for (const [index, { fd, protocol }] of this.#boot.listeners.entries()) {
      try {
        const socket =
          fd === undefined ? ({ type: 'handle', handle: await sockets.take(index) } as const) : ({ type: 'fd', fd } as const)
        await server.listen(socket, { protocol })
      } catch (error) {
        throw new ListenError(index, error)
      }
    }
  }

  /** Stops accepting, finishes, exits with 0. A second call only makes the time shorter. */
  drain(timeoutMs: number, handover: boolean): void {
    if (this.#isEnding()) {
      void this.server?.drain(timeoutMs)
      setTimeout(exit, timeoutMs, 0)
      return
    }
    void this.#drainAndExit(timeoutMs, 0, handover)
  }

  closeWebSockets(timeoutMs: number): void {
    this.server?.closeWebSockets(timeoutMs)
  }

  setLogLevel(level: LogLevel): void {
    this.#logs.level = level
  }

  report(): void {
    this.#reports.tell()
  }

  share(part: number): void {
    this.server?.share(part)
  }

  reopenLogs(): void {
    this.#logs.reopen()
    this.#recorder?.reopen()
  }

  orphaned(): void {
    setTimeout(exit, ORPHAN_LIMIT_MS, 0)
    this.drain(LAST_REQUESTS_MS, false)
  }

  /** As in every Node program, what nobody caught ends the process; here the other requests are finished first. */
  crash(error: unknown): void {
    // An application with a handler of its own has decided otherwise, and is obeyed as Node obeys it.
    if (process.listenerCount('uncaughtException') > 1) return
    if (this.#state === 'booting') {
      this.#failBoot(new TsgiError('TSGI_ERR_APP_LOAD', `${describeThrown(error)}${this.#portHint(error)}`, { cause: error }))
      return
    }
    this.#log.error(
      `uncaught exception, or a rejection that nobody handles; this worker finishes its requests and ends${this.#portHint(error)}`,
      error,
    )
    if (this.#isEnding()) return
    // A request that it has left without an answer is told why.
    this.#page?.uncaught(error)
    const failure = this.#page === undefined ? {} : { failure: describeFailure(error, this.#boot.file) }
    send({ tsgi: 'leaving', because: 'exception', ...failure })
    void this.#drainAndExit(this.#page === undefined ? LAST_REQUESTS_MS : EXPLAINED_REQUESTS_MS, 1, true)
  }

  /** The master decides what a signal means, and says so; only a TERM that it has not got is this worker's alone. */
  signalled(signal: NodeJS.Signals): void {
    // An application that has finished its work sends itself the signal that it was told to end by.
    if (this.#state === 'closing') exit(0)
    if (signal !== 'SIGTERM') return
    setTimeout(() => {
      if (this.#state === 'ready') send({ tsgi: 'leaving', because: 'signal' })
      if (!this.#isEnding()) this.drain(this.#boot.gracefulTimeoutMs, true)
    }, MASTERS_WORD_MS)
  }

  /** What one process may do and several may not. */
  #portHint(error: unknown): string {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'EADDRINUSE') return ''
    return `. The application opens this port itself, in every worker${this.#boot.multiprocess ? '' : ', also while one takes the place of another'}: let only the one with NODE_APP_INSTANCE=0 open it, or give each a port of its own`
  }

  #isEnding(): boolean {
    return this.#state === 'stopping' || this.#state === 'closing'
  }

  /** A program that closes its server wants to end. */
  #closedByApplication(finished: () => void): void {
    if (this.#state === 'closing') {
      finished()
      return
    }
    this.#onDrained.push(finished)
    if (this.#state === 'ready') send({ tsgi: 'leaving', because: 'application' })
    if (this.#state !== 'stopping') void this.#drainAndExit(this.#boot.gracefulTimeoutMs, 0, true)
  }

  async #drainAndExit(timeoutMs: number, code: number, handover: boolean): Promise<void> {
    this.#state = 'stopping'
    const deadline = performance.now() + timeoutMs
    this.#application?.lifespan.stopping().catch((error: unknown) => this.#log.error('the application', error))
    try {
      if (handover && this.server !== undefined) this.server.passHandle = passToMaster()
      const drained = await this.server?.drain(timeoutMs, handover ? HANDOVER_MS : FRESH_MS)
      // The last requests count, too.
      this.#reports.tell()
      await sendAndWait({ tsgi: 'drained', unfinished: drained?.unfinished ?? 0 })
      this.#state = 'closing'
      const lifespan = this.#application?.lifespan
      const left = deadline - performance.now()
      // A shutdown has the whole time that requests have not taken, handlers of signals a limited one: most never say that they are done.
      if (lifespan?.hasShutdown === true) await shutDown(lifespan, Math.max(left, LAST_CLOSE_MS), this.#log)
      const limit = Math.min(APPLICATION_CLOSE_MS, deadline - performance.now())
      await Promise.race([this.#closeApplication(code), elapsed(Math.max(limit, LAST_CLOSE_MS))])
      await Promise.all([this.#logs.close(LAST_CLOSE_MS), this.#recorder?.close()])
    } catch (error) {
      this.#log.error('a worker could not end as it should', error)
    }
    exit(code)
  }

  /** What the application does at the end of a program, in the order in which it would happen if the program ran alone. */
  async #closeApplication(code: number): Promise<void> {
    const closedItself = this.#onDrained.length > 0
    for (const finished of this.#onDrained) finished()
    await this.#application?.close()
    await this.#hooks?.settle('workerExit', this.#info)
    // Handlers end the process by themselves, or when they have nothing more to do: nothing tells which.
    if (code === 0 && !closedItself && this.#events.callStopHandlers()) await new Promise<void>((resolve) => onIdle(resolve))
    this.#application?.finish()
  }

  #failBoot(error: unknown): void {
    if (this.#state !== 'booting') return
    this.#state = 'stopping'
    const reason = this.#boot.loader || !(error instanceof TsgiError) ? undefined : retryReason(error.cause)
    const message: MessageToMaster =
      reason === undefined
        ? { tsgi: 'failed', failure: describeFailure(error, this.#boot.file) }
        : { tsgi: 'needs-loader', reason }
    void sendAndWait(message).then(() => exit(reason === undefined ? 1 : 0))
  }
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function exit(code: number): never {
  process.exit(code)
}

function boot(message: BootMessage, events: ProcessEvents): Worker {
  const worker = new Worker(message, events)
  process.on('uncaughtException', (error) => worker.crash(error))
  // What the application sees of its own start is what it would see if Node had started it.
  process.argv = [process.execPath, message.file, ...process.argv.slice(2)]
  process.title = `tsgi: worker ${basename(message.file)}`
  void worker.run()
  return worker
}

function main(): void {
  if (process.send === undefined) {
    writeToStderr('This is the worker of tsgi, which starts it by itself. Run: tsgi serve')
    exit(2)
  }
  let worker: Worker | undefined
  const events = new ProcessEvents({
    onSignal(signal) {
      worker?.signalled(signal)
      if (worker === undefined && signal === 'SIGTERM') exit(0)
    },
    onMessage(value, handle) {
      const message = readMessageToWorker(value)
      switch (message?.tsgi) {
        case undefined:
          return false
        case 'listener':
          sockets.receive(message.index, handle)
          break
        case 'connection':
          takeOver(worker?.server, handle)
          break
        case 'drain':
          if (worker === undefined) exit(0)
          worker.drain(message.timeoutMs, message.handover)
          break
        case 'close-websockets':
          worker?.closeWebSockets(message.timeoutMs)
          break
        case 'log-level':
          worker?.setLogLevel(message.level)
          break
        case 'reopen-logs':
          worker?.reopenLogs()
          break
        case 'report':
          worker?.report()
          break
        case 'share':
          worker?.share(message.part)
          break
        case 'ping':
          send({ tsgi: 'pong' })
          break
        case 'boot':
          worker ??= boot(message, events)
          break
      }
      return true
    },
  })
  process.on('disconnect', () => {
    if (worker === undefined) exit(0)
    worker.orphaned()
  })
  // A terminal or a log reader that goes away must not take the workers with it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  process.setSourceMapsEnabled(true)
  cacheCompiledCode()
}

main()
