import { seeded } from '../protocol/drive.ts'
import { Corpus } from './corpus.ts'
import { Coverage } from './coverage.ts'
import { minimised, problemOf } from './judge.ts'
import { heldBytes } from './memory.ts'
import { mutated } from './mutate.ts'
import type { Random, Target } from './target.ts'

/** Inputs between two looks at the coverage: few where much is new, many where nothing is. */
const SMALLEST_BATCH = 16
const LARGEST_BATCH = 512

/** What may be held more at the end than after a fifth of the inputs. A leak of 500 bytes for each of 100,000 inputs is 50 MB. */
const MAX_GROWTH_BYTES = 32 * 1024 * 1024

export interface Result {
  readonly inputs: number
  /** Inputs that have reached something new. */
  readonly corpus: number
  /** Characters of the functions in the files that count: those that were executed, and all. */
  readonly executed: number
  readonly all: number
  readonly grownBytes: number
  readonly failure: Failure | undefined
}

export interface Failure {
  readonly problem: string
  /** Undefined: not of one input, but of all together. */
  readonly input: Uint8Array | undefined
}

export interface RunOptions {
  readonly inputs: number
  readonly seed: number
  /** Called before each input is put in. */
  readonly onInput: (input: Uint8Array) => void
  readonly onProgress: (inputs: number) => void
}

/** Puts inputs into a target, those that reach something new again and again in other forms. Ends with the first that fails. */
export async function fuzz(target: Target, options: RunOptions): Promise<Result> {
  const random = seeded(options.seed)
  const coverage = new Coverage(target.covers)
  const corpus = new Corpus()
  let inputs = 0
  let failure: Failure | undefined
  const tryAll = async (batch: readonly Uint8Array[]): Promise<void> => {
    for (const input of batch) {
      inputs++
      options.onInput(input)
      const problem = await problemOf(target, input)
      if (problem === undefined) continue
      failure = { problem, input: await minimised(target, input, problem) }
      return
    }
  }
  await target.start?.()
  for (const seed of target.seeds) corpus.add(seed, random)
  await tryAll(target.seeds)
  coverage.fresh()
  let batchSize = SMALLEST_BATCH
  let heldBefore: number | undefined
  while (inputs < options.inputs && failure === undefined) {
    if (inputs > options.inputs / 5) heldBefore ??= await heldBytes()
    const batch = Array.from({ length: Math.min(batchSize, options.inputs - inputs) }, () => newInput(target, corpus, random))
    await tryAll(batch)
    options.onProgress(inputs)
    const fresh = coverage.fresh()
    batchSize = fresh.size > 0 ? Math.max(SMALLEST_BATCH, batchSize >> 1) : Math.min(LARGEST_BATCH, batchSize * 2)
    if (fresh.size === 0 || failure !== undefined) continue
    const reaches = async (some: readonly Uint8Array[]): Promise<boolean> => {
      for (const input of some) await problemOf(target, input)
      return coverage.reaches(fresh)
    }
    for (const input of await thoseThat(reaches, batch)) corpus.add(input, random)
  }
  const grownBytes = heldBefore === undefined ? 0 : (await heldBytes()) - heldBefore
  failure ??= await problemAtEnd(target, grownBytes)
  coverage.stop()
  return { inputs, corpus: corpus.size, ...coverage.reached, grownBytes, failure }
}

/** Which inputs it is that do something: half of them is tried, then half of that half. */
async function thoseThat(
  reaches: (some: readonly Uint8Array[]) => Promise<boolean>,
  inputs: readonly Uint8Array[],
): Promise<readonly Uint8Array[]> {
  if (!(await reaches(inputs))) return []
  if (inputs.length === 1) return inputs
  const middle = inputs.length >> 1
  return [...(await thoseThat(reaches, inputs.slice(0, middle))), ...(await thoseThat(reaches, inputs.slice(middle)))]
}

function newInput(target: Target, corpus: Corpus, random: Random): Uint8Array {
  const made = target.generate !== undefined && random(4) === 0 ? target.generate(random) : corpus.pick(random)
  return mutated(made, corpus.pick(random), random, target.dictionary)
}

async function problemAtEnd(target: Target, grownBytes: number): Promise<Failure | undefined> {
  try {
    await target.stop?.()
  } catch (error) {
    return { problem: String(error), input: undefined }
  }
  if (grownBytes < MAX_GROWTH_BYTES) return undefined
  return { problem: `${grownBytes} bytes more are held than after a fifth of the inputs`, input: undefined }
}
