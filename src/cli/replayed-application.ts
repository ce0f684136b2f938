import type { ChildProcess } from 'node:child_process'
import { basename, extname } from 'node:path'
import { fileURLToPath } from 'node:url'

import { TsgiError } from '../interface/errors.ts'
import type { Settings } from '../settings/settings.ts'
import { failureOf, forkApplication } from './fork-application.ts'
import { readReplayMessage } from './replay-messages.ts'
import type { ReplayAnswer, ReplayAsk, ReplayMessage, ReplayOrder } from './replay-messages.ts'

const ENTRY = fileURLToPath(new URL(`./replay-process${extname(import.meta.url)}`, import.meta.url))

/** Beyond the time of a request: its process gives that up by itself, unless its event loop is stuck. Milliseconds. */
const MARGIN_MS = 3000

/** A working copy in a process of its own, which answers one request after the other. */
export class ReplayedApplication {
  readonly #order: ReplayOrder
  readonly #child: ChildProcess
  #settle: { resolve: (message: ReplayMessage) => void; reject: (error: Error) => void } | undefined

  private constructor(order: ReplayOrder, settings: Settings<'serve'>) {
    this.#order = order
    const child = forkApplication(ENTRY, order.loader, settings)
    this.#child = child
    child.on('error', (error) => this.#settle?.reject(error))
    child.on('exit', (code, signal) => {
      this.#settle?.reject(this.#gone(`the application's process ended (${signal ?? `exit code ${code}`})`))
    })
    child.on('message', (value) => {
      const message = readReplayMessage<ReplayMessage>(value)
      if (message?.replay === 'failed') this.#settle?.reject(failureOf(message.failure))
      else if (message !== undefined) this.#settle?.resolve(message)
    })
  }

  /** Resolves when it can be asked. Rejects with what kept the application from being loaded. */
  static async start(order: ReplayOrder, settings: Settings<'serve'>): Promise<ReplayedApplication> {
    const application = new ReplayedApplication(order, settings)
    try {
      const said = await application.#tell(order, settings.startupTimeout, 'its start')
      if (said.replay === 'ready') return application
    } catch (error) {
      application.kill()
      throw error
    }
    application.kill()
    if (order.loader) throw new TsgiError('TSGI_ERR_APP_LOAD', `${basename(order.file)}: not even with the loader`)
    return ReplayedApplication.start({ ...order, loader: true }, settings)
  }

  /** `name`: of the request, for messages. Rejects where the process ends, or is stuck. */
  async ask(request: NonNullable<ReplayAsk['request']>, name: string): Promise<ReplayAnswer> {
    const said = await this.#tell({ replay: 'ask', request }, this.#order.requestTimeoutMs + MARGIN_MS, name)
    if (said.replay !== 'answer') throw this.#gone(`no answer in ${name}`)
    return said
  }

  /** The application closes what it holds. */
  async end(): Promise<void> {
    try {
      await this.#tell({ replay: 'ask', request: undefined }, this.#order.requestTimeoutMs + MARGIN_MS, 'its shutdown')
    } finally {
      this.kill()
    }
  }

  kill(): void {
    this.#settle = undefined
    this.#child.kill('SIGKILL')
  }

  async #tell(message: ReplayOrder | ReplayAsk, limitMs: number, at: string): Promise<ReplayMessage> {
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<ReplayMessage>((resolve, reject) => {
        this.#settle = { resolve, reject: (error) => reject(this.#at(error, at)) }
        timer = setTimeout(() => reject(this.#gone(`no sign of life for ${limitMs / 1000} s in ${at}`)), limitMs)
        this.#child.send(message)
      })
    } finally {
      clearTimeout(timer)
      this.#settle = undefined
    }
  }

  #at(error: Error, at: string): Error {
    return at === 'its start' || !(error instanceof TsgiError) ? error : this.#gone(`${error.message}, in ${at}`)
  }

  #gone(how: string): TsgiError {
    return new TsgiError('TSGI_ERR_APPLICATION', `${basename(this.#order.file)}: ${how}`)
  }
}
