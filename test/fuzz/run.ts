import { Worker } from 'node:worker_threads'
import type { Result } from './engine.ts'
import type { Job, Message } from './messages.ts'

/** How long one input may be on its way, milliseconds, before it counts as one that hangs. */
const HANG_MS = 20_000

/** Longest input that is remembered for that, bytes. */
const ROOM_BYTES = 128 * 1024

/** What a thread may hold, MiB: a decoder that allocates what a length promises does not get far. */
const MAX_HEAP_MIB = 512

/** Fuzzes one target in a thread of its own, which is ended when an input hangs. */
export async function runTarget(
  target: string,
  inputs: number,
  seed: number,
  onProgress: (inputs: number) => void = () => {},
): Promise<Result> {
  const shared = new SharedArrayBuffer(8 + ROOM_BYTES)
  const counter = new Int32Array(shared, 0, 2)
  const lastInput = (): Uint8Array => new Uint8Array(shared, 8, Math.min(ROOM_BYTES, counter[1] ?? 0)).slice()
  const job: Job = { target, inputs, seed, shared }
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  })
  try {
    return await new Promise<Result>((resolve) => {
      let result: Result | undefined
      const failed = (problem: string): void => {
        clearInterval(watch)
        const done = Atomics.load(counter, 0)
        resolve({ inputs: done, corpus: 0, executed: 0, all: 0, grownBytes: 0, failure: { problem, input: lastInput() } })
      }
      let seen = -1
      const watch = setInterval(() => {
        const done = Atomics.load(counter, 0)
        if (done === seen) failed(`hangs: nothing for ${HANG_MS} ms`)
        seen = done
      }, HANG_MS)
      worker.on('message', (message: Message) => {
        if (message.type === 'progress') onProgress(message.inputs)
        else result = message.result
      })
      worker.on('error', (error) =>
        failed(`ends the thread: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
      )
      worker.on('exit', (code) => {
        if (result === undefined) return failed(`ends the thread with code ${code}`)
        clearInterval(watch)
        resolve(result)
      })
    })
  } finally {
    await worker.terminate()
  }
}
