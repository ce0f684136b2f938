import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'

import { quote, TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { statsdDatagrams, StatsdLines } from '../metrics/statsd-lines.ts'
import { formatStatsdAddress } from '../settings/settings-metrics.ts'
import type { StatsdAddress } from '../settings/settings-metrics.ts'
import type { Settings } from '../settings/settings.ts'
import type { MetricsSource } from './metrics-source.ts'

/** What the last numbers get when the server ends, milliseconds: a name server that hangs holds up no stop. */
const LAST_MS = 500

export interface StatsdSenderOptions {
  readonly settings: Pick<Settings<'serve'>, 'metrics' | 'statsdHost' | 'statsdInterval' | 'statsdPrefix' | 'dogstatsdTags'>
  readonly source: Pick<MetricsSource, 'fresh' | 'snapshot'>
  readonly log: Logger
}

/**
 * Sends what is counted to a statsd, every few seconds and a last time at the end, by UDP. Nothing waits for it: what cannot be sent
 * is logged once, until it can be again.
 */
export class StatsdSender {
  readonly #address: StatsdAddress
  readonly #source: StatsdSenderOptions['source']
  readonly #log: Logger
  readonly #lines: StatsdLines
  readonly #timer: NodeJS.Timeout
  #sending: Promise<void> | undefined
  #failing = false

  /** Begins at once. Undefined where no address is given. Throws `TSGI_ERR_OPTION` where nothing is counted. */
  static start(options: StatsdSenderOptions): StatsdSender | undefined {
    const { metrics, statsdHost } = options.settings
    if (statsdHost === undefined) return undefined
    if (!metrics) throw new TsgiError('TSGI_ERR_OPTION', '--statsd-host has nothing to send: --no-metrics')
    return new StatsdSender(statsdHost, options)
  }

  private constructor(address: StatsdAddress, { settings, source, log }: StatsdSenderOptions) {
    this.#address = address
    this.#source = source
    this.#log = log
    this.#lines = new StatsdLines({ prefix: settings.statsdPrefix, tags: settings.dogstatsdTags })
    this.#timer = setInterval(() => this.#tick(), settings.statsdInterval)
    // Supervision is what keeps the process alive.
    this.#timer.unref()
    log.info(`metrics go to statsd at ${formatStatsdAddress(address)}`)
  }

  #tick(): void {
    // One that is still under way takes what has been counted meanwhile with the next.
    this.#sending ??= this.#send(false).finally(() => (this.#sending = undefined))
  }

  /** Sends what has been counted since the last time. Resolves soon, whatever happens to it. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const limit = new Promise<void>((resolve) => {
      setTimeout(resolve, LAST_MS).unref()
    })
    await Promise.race([(this.#sending ?? Promise.resolve()).then(() => this.#send(true)), limit])
  }

  /** `last`: there is no worker left to be asked. Never rejects. */
  async #send(last: boolean): Promise<void> {
    const { host, port } = this.#address
    try {
      // Every time, and before the counts are taken: the host may move, and what is counted meanwhile is not lost.
      const { address, family } = await lookup(host)
      const datagrams = statsdDatagrams(this.#lines.next(last ? this.#source.snapshot() : await this.#source.fresh()))
      await sent(datagrams, { address, port, type: family === 6 ? 'udp6' : 'udp4' })
      if (this.#failing) this.#log.info('metrics reach statsd again')
      this.#failing = false
    } catch (error) {
      if (this.#failing) return
      this.#failing = true
      const where = formatStatsdAddress(this.#address)
      const problem = new TsgiError('TSGI_ERR_STATSD', `metrics cannot be sent to ${where}: ${quote(error)}`, { cause: error })
      this.#log.warn('--statsd-host', problem)
    }
  }
}

/** Resolves when the system has taken all of them. Rejects with its first refusal. */
async function sent(
  datagrams: readonly string[],
  to: { readonly address: string; readonly port: number; readonly type: 'udp4' | 'udp6' },
): Promise<void> {
  const socket = createSocket(to.type)
  socket.unref()
  try {
    await new Promise<void>((resolve, reject) => {
      let left = datagrams.length
      if (left === 0) resolve()
      socket.on('error', reject)
      for (const datagram of datagrams) {
        socket.send(datagram, to.port, to.address, (error) => {
          left -= 1
          if (error !== null) reject(error)
          else if (left === 0) resolve()
        })
      }
    })
  } finally {
    socket.close()
  }
}
