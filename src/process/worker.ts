import { basename } from 'node:path'

import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { Server } from '../server/server.ts'
import { handlerFor } from './application-handler.ts'
import { describeFailure, describeThrown, ListenError } from './boot-failure.ts'
import { cacheCompiledCode, flushCompiledCode } from './compile-cache.ts'
import { loadApplication } from './load-application.ts'
import { createLogger, writeToStderr } from './log.ts'
import { retryReason } from './typescript-loader.ts'
import { readMessageToWorker } from './worker-messages.ts'
import type { BootMessage, MessageToMaster } from './worker-messages.ts'

/**
 * The entry of a worker process. It exits the process itself, as nothing else outside src/cli does: a worker has
 * no caller to return to, and an application keeps timers and connections open that would hold the process.
 */

/** What is left for requests in flight when the master is gone or an exception was not caught, milliseconds. */
const LAST_REQUESTS_MS = 1000

/** A worker whose master is gone is itself gone after this, whatever is in its way, milliseconds. */
const ORPHAN_LIMIT_MS = 1800

class Worker {
  readonly #boot: BootMessage
  readonly #log: Logger
  #server: Server | undefined
  #state: 'booting' | 'ready' | 'stopping' = 'booting'

  constructor(boot: BootMessage) {
    this.#boot = boot
    this.#log = createLogger({ level: boot.logLevel, write: writeToStderr })
  }

  /** Loads, listens, reports. */
  async run(): Promise<void> {
    const { file, exportName } = this.#boot
    try {
      const loaded = await loadApplication({ file, ...(exportName === undefined ? {} : { exportName }) }, this.#boot.interface)
      const handler = handlerFor(loaded)
      send({ tsgi: 'loaded' })
      if (this.#state !== 'booting') return
      const { mountPoint, multiprocess, probeToken, maxRequestBodyBytes } = this.#boot
      this.#server = new Server({
        handler,
        log: this.#log,
        mountPoint,
        multiprocess,
        ...(probeToken === undefined ? {} : { probeToken }),
        ...(maxRequestBodyBytes === undefined ? {} : { maxRequestBodyBytes }),
      })
      await this.#listen(this.#server)
    } catch (error) {
      this.#failBoot(error)
      return
    }
    this.#state = 'ready'
    send({ tsgi: 'ready' })
    flushCompiledCode()
  }

  async #listen(server: Server): Promise<void> {
    for (const [index, { fd, protocol }] of this.#boot.listeners.entries()) {
      try {
        await server.listen({ type: 'fd', fd }, { protocol })
      } catch (error) {
        throw new ListenError(index, error)
      }
    }
  }

  /** Stops accepting, finishes, exits with 0. A second call only makes the time shorter. */
  drain(timeoutMs: number): void {
    if (this.#state === 'stopping') {
      setTimeout(exit, timeoutMs, 0)
      return
    }
    void this.#drainAndExit(timeoutMs, 0)
  }

  orphaned(): void {
    setTimeout(exit, ORPHAN_LIMIT_MS, 0)
    this.drain(LAST_REQUESTS_MS)
  }

  /** As in every Node program, what nobody caught ends the process; here the other requests are finished first. */
  crash(error: unknown): void {
    // An application with a handler of its own has decided otherwise, and is obeyed as Node obeys it.
    if (process.listenerCount('uncaughtException') > 1) return
    if (this.#state === 'booting') {
      this.#failBoot(new TsgiError('TSGI_ERR_APP_LOAD', describeThrown(error), { cause: error }))
      return
    }
    this.#log.error('uncaught exception; this worker finishes its requests and ends', error)
    if (this.#state === 'stopping') return
    send({ tsgi: 'leaving', because: 'exception' })
    void this.#drainAndExit(LAST_REQUESTS_MS, 1)
  }

  /** SIGTERM, which only somebody else than the master sends. */
  terminate(): void {
    if (this.#state === 'ready') send({ tsgi: 'leaving', because: 'signal' })
    this.drain(this.#boot.gracefulTimeoutMs)
  }

  async #drainAndExit(timeoutMs: number, code: number): Promise<void> {
    this.#state = 'stopping'
    try {
      const drained = await this.#server?.drain(timeoutMs)
      await sendAndWait({ tsgi: 'drained', unfinished: drained?.unfinished ?? 0 })
    } catch (error) {
      this.#log.error('a worker could not finish its requests', error)
    }
    exit(code)
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

function send(message: MessageToMaster): void {
  // Without a channel the master is gone, which `disconnect` has told already.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

function sendAndWait(message: MessageToMaster): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, () => resolve())
    else resolve()
  })
}

function exit(code: number): never {
  process.exit(code)
}

function main(): void {
  if (process.send === undefined) {
    writeToStderr('This is the worker of tsgi, which starts it by itself. Run: tsgi serve')
    exit(2)
  }
  let worker: Worker | undefined
  // A terminal sends these to the whole group; the master decides what they mean and tells the workers.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('message', (value) => {
    const message = readMessageToWorker(value)
    if (message?.tsgi === 'drain') {
      if (worker === undefined) exit(0)
      worker.drain(message.timeoutMs)
    } else if (message?.tsgi === 'boot' && worker === undefined) {
      worker = new Worker(message)
      const { file } = message
      process.on('SIGTERM', () => worker?.terminate())
      process.on('uncaughtException', (error) => worker?.crash(error))
      // What the application sees of its own start is what it would see if Node had started it.
      process.argv = [process.execPath, file, ...process.argv.slice(2)]
      process.title = `tsgi: worker ${basename(file)}`
      void worker.run()
    }
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
