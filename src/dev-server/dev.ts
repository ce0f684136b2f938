import { createServer as createHttpServer } from 'node:http'
import type { Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'

import type { Logger } from '../interface/logger.ts'
import { wantsColour } from '../launcher/terminal-colour.ts'
import { watchSources } from '../launcher/watch-sources.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { Deferred } from '../loading/deferred.ts'
import { createLogger, errorLines, writeToStderr } from '../process/log.ts'
import { stopSignals } from '../server/platform.ts'
import type { BindAddress } from '../server/address.ts'
import {
  addressesOf,
  changedInVain,
  hostsOf,
  secureOptions,
  staticFilesOf,
  watchedNames,
  watchedPaths,
  workerOptionsOf,
} from './dev-options.ts'
import type { DevSettings, SecureOptions } from './dev-options.ts'
import { DevelopmentServer } from './development-server.ts'
import { exposureOf, urlOf } from './dev-urls.ts'
import { Front } from './front.ts'
import { listen } from './listen.ts'
import type { Listening } from './listen.ts'
import { TerminalLines } from './terminal-lines.ts'

/**
 * Editors save in several steps: what is written within this is one change, milliseconds. The watcher tells nothing of a second change
 * of a file within 50 ms: code must not be read before that is over.
 */
const QUIET_MS = 60

/** HUP is the end of the terminal, and so of this. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = [...new Set([...stopSignals(), 'SIGHUP' as const])]

/** Throws what a start would say that can be known without one. */
export async function checkDev(read: DevSettings): Promise<string[]> {
  locateApp(read.app, process.cwd())
  workerOptionsOf(read, createLogger({ level: 'error', write: writeToStderr }))
  addressesOf(read)
  staticFilesOf(read)
  return [read.app]
}

/** Serves until a signal ends it; resolves to the exit code. Rejects where it cannot begin, which an application that fails is not. */
export async function dev(read: DevSettings): Promise<number> {
  // What is wrong with these would still be wrong after a change of the code.
  await checkDev(read)
  const secure = secureOptions(read)
  const log = createLogger({ level: read.settings.logLevel, write: writeToStderr })
  const stopped = new Deferred<void>()
  const run = new DevRun(read, secure, log)
  let signals = 0
  const onSignal = (): void => {
    signals += 1
    // A second one: at once.
    if (signals > 1) run.kill()
    stopped.resolve()
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal)
  try {
    await run.start()
    await stopped.promise
    return 0
  } finally {
    await run.stop()
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal)
  }
}

/** All that runs for one command. */
class DevRun {
  #read: DevSettings
  readonly #secure: SecureOptions | undefined
  readonly #log: Logger
  readonly #lines = new TerminalLines(wantsColour(process.stdout))
  readonly #server: DevelopmentServer
  readonly #front: Front
  readonly #listening: Listening[] = []
  /** What ends the watch. Until then a change could be missed: nobody is told before that we are ready. */
  readonly #watching = new Deferred<() => Promise<void>>()
  #introduced = false

  constructor(read: DevSettings, secure: SecureOptions | undefined, log: Logger) {
    this.#read = read
    this.#secure = secure
    this.#log = log
    this.#server = new DevelopmentServer({
      read: async () => {
        const next = await this.#read.reread()
        const inVain = changedInVain(this.#read, next)
        if (inVain.length > 0) log.warn(`changed, but not before the next start: ${inVain.join(', ')}`)
        this.#read = next
        return workerOptionsOf(next, log)
      },
      onServing: (kind, ms, changed) => {
        this.#say(kind, () => process.stdout.write(this.#lines.serving(ms, changed)))
      },
      onFailed: (error, changed) => {
        this.#say('', () => {
          process.stderr.write(`${errorLines(error).join('\n')}\n`)
          process.stdout.write(this.#lines.failed(changed))
        })
      },
      onSettled: (generation) => this.#front.changes.settled(generation),
    })
    const { accessLog, limitRequestBody } = read.settings
    const silent = accessLog?.type === 'off'
    this.#front = new Front({
      files: staticFilesOf(read),
      limitRequestBodyBytes: limitRequestBody,
      serving: () => this.#server.serving(),
      onDone: (request, response, ms) => {
        if (!silent) process.stdout.write(this.#lines.request(request, response, ms))
      },
    })
  }

  /** Listens, watches, and starts the first worker. */
  async start(): Promise<void> {
    for (const address of addressesOf(this.#read)) {
      const server = this.#makeServer(address)
      this.#listening.push(await listen(server, address, this.#read.settings.socketMode))
    }
    const watched = watchedPaths(this.#read)
    const watching = watchSources({
      ...watched,
      quietMs: QUIET_MS,
      log: this.#log,
      onFirstChange: (path) => this.#server.retire(path),
      onChange: () => void this.#server.boot(),
    })
    // Meanwhile, for it looks at every directory.
    await this.#server.boot()
    this.#watching.resolve(await watching)
  }

  kill(): void {
    void this.#server.stop()
  }

  async stop(): Promise<void> {
    for (const each of this.#listening) each.close()
    await this.#server.stop()
    this.#front.close()
    // The process ends: nobody has to wait for a watch that has not begun.
    void this.#watching.promise.then((end) => end())
  }

  #makeServer(address: BindAddress): Server {
    const server = this.#secure === undefined ? createHttpServer() : createHttpsServer(this.#secure)
    this.#front.attach(server, hostsOf(this.#read, address))
    return server
  }

  /** Behind the banner, which comes once, whether the application loads or not. */
  #say(kind: string, write: () => void): void {
    void this.#watching.promise.then(() => {
      this.#introduce(kind)
      write()
    })
  }

  #introduce(kind: string): void {
    if (this.#introduced) return
    this.#introduced = true
    const { app, settings } = this.#read
    const bound = this.#listening.map(({ address }) => address)
    const secure = this.#secure !== undefined
    process.stdout.write(
      this.#lines.banner({
        urls: bound.map((address) => urlOf(address, secure, settings.mountPoint)),
        application: app,
        kind,
        watched: watchedNames(this.#read),
        exposure: exposureOf(bound, secure, settings.mountPoint),
        certificate: this.#secure?.note,
      }),
    )
  }
}
