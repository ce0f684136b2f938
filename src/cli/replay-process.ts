import type { ServerContext } from '../gateway/request-handler.ts'
import { detailOf, TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { prepareApplication } from '../loading/prepare-application.ts'
import type { ServedApplication } from '../loading/prepare-application.ts'
import { retryReason } from '../loading/typescript-loader.ts'
import { describeFailure } from '../process/boot-failure.ts'
import { onIdle } from '../process/on-idle.ts'
import { foldOwnFrames } from '../process/own-frames.ts'
import { replayRequest } from '../recording/replay-request.ts'
import { shutDown } from '../server/lifespan.ts'
import { readReplayMessage } from './replay-messages.ts'
import type { ReplayAsk, ReplayMessage, ReplayOrder } from './replay-messages.ts'

/** The process of `tsgi replay` that has the application: one of its own, as the application may need a loader, or never end. */

/** What an application gets for its shutdown, milliseconds. */
const SHUTDOWN_MS = 5000

/** Of the errors of one request. */
const MAX_ERRORS = 5

let file = ''
let errors: string[] = []

const log: Logger = {
  error(message, error) {
    if (errors.length < MAX_ERRORS) errors.push(`${message}${said(error)}`)
  },
  warn() {},
  info() {},
  debug() {},
}

function said(error: unknown): string {
  if (error instanceof TsgiError) return `: ${error.code} ${detailOf(error)}`
  if (error instanceof Error) return `\n${foldOwnFrames((error.stack ?? error.message).split('\n')).join('\n')}`
  return error === undefined ? '' : `: ${String(error)}`
}

function send(message: ReplayMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
}

async function load(order: ReplayOrder): Promise<ServedApplication | undefined> {
  file = order.file
  const { exportName } = order
  try {
    const application = await prepareApplication({
      location: { file: order.file, ...(exportName === undefined ? {} : { exportName }) },
      loader: order.loader,
      interface: order.interface,
      log,
      onClose: (finished) => finished(),
      onWaiting: () => {},
      onIdle,
    })
    await application.lifespan.startup()
    return application
  } catch (error) {
    const again = !order.loader && error instanceof TsgiError && retryReason(error.cause) !== undefined
    await send(again ? { replay: 'needs-loader' } : { replay: 'failed', failure: describeFailure(error, order.file) })
    return undefined
  }
}

async function replay(order: ReplayOrder, asks: AsyncIterable<ReplayAsk>): Promise<void> {
  const application = await load(order)
  if (application === undefined) return
  const { handler, lifespan } = application
  const context: ServerContext = {
    mountPoint: order.mountPoint,
    multiprocess: false,
    log,
    probeToken: undefined,
    access: undefined,
  }
  await send({ replay: 'ready' })
  for await (const { request } of asks) {
    if (request === undefined) break
    errors = []
    const body = Buffer.from(request.body, 'base64')
    const response = await replayRequest(handler, context, { params: request.params, body }, order.requestTimeoutMs)
    await send({ replay: 'answer', ...response, body: response.body.toString('base64'), errors })
  }
  await shutDown(lifespan, SHUTDOWN_MS, log)
  await send({ replay: 'done' })
}

/** What it is told, in its order. */
class Asks implements AsyncIterable<ReplayAsk> {
  readonly #waiting: ReplayAsk[] = []
  #wake: (() => void) | undefined

  take(ask: ReplayAsk): void {
    this.#waiting.push(ask)
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReplayAsk, void, undefined> {
    for (;;) {
      const ask = this.#waiting.shift()
      if (ask !== undefined) yield ask
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

function main(): void {
  process.on('disconnect', () => process.exit(1))
  process.on('uncaughtException', (error) => {
    void send({ replay: 'failed', failure: describeFailure(error, file) }).then(() => process.exit(1))
  })
  process.setSourceMapsEnabled(true)
  const asks = new Asks()
  let begun = false
  process.on('message', (value) => {
    const message = readReplayMessage<ReplayOrder | ReplayAsk>(value)
    if (message?.replay === 'ask') asks.take(message)
    if (message?.replay !== 'order' || begun) return
    begun = true
    process.argv = [process.execPath, message.file]
    void replay(message, asks).then(() => process.exit(0))
  })
}

main()
