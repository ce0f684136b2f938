import { parentPort, workerData } from 'node:worker_threads'
import { fuzz } from './engine.ts'
import type { Job, Message } from './messages.ts'
import { TARGETS } from './targets/index.ts'

/** One target in a thread of its own: whoever started it can end it when an input hangs, and still has that input. */
const job = workerData as Job // what startJob passes
const counter = new Int32Array(job.shared, 0, 2)
const bytes = new Uint8Array(job.shared, 8)

function tell(message: Message): void {
  parentPort?.postMessage(message)
}

const target = TARGETS.find(({ name }) => name === job.target)
if (target === undefined) throw new Error(`no target ${job.target}`)
const result = await fuzz(target, {
  inputs: job.inputs,
  seed: job.seed,
  onInput: (input) => {
    bytes.set(input.subarray(0, bytes.length))
    counter[1] = input.length
    Atomics.add(counter, 0, 1)
  },
  onProgress: (inputs) => tell({ type: 'progress', inputs }),
})
tell({ type: 'result', result })
// A server that hangs would keep the thread.
process.exit(0)
