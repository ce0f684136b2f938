import { concat } from '../wire/bytes.ts'
import type { Target } from './target.ts'

/** One input that takes longer than this, milliseconds, each of three times, takes too long: 70 kB are read in a few. */
const SLOW_MS = 1500

/** What is wrong with what comes of an input; undefined: nothing. */
export async function problemOf(target: Target, input: Uint8Array): Promise<string | undefined> {
  try {
    for (let times = 1; ; times++) {
      const start = performance.now()
      const running = target.run(input)
      if (running !== undefined) await running
      const tookMs = performance.now() - start
      if (tookMs < SLOW_MS) return undefined
      if (times === 3) return `takes ${Math.round(tookMs)} ms`
    }
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

/** Attempts to make a failing input smaller. */
const MAX_ATTEMPTS = 3000

/** A smaller input that fails in the same way: pieces are taken out, large ones first, then bytes are made `0`. */
export async function minimised(target: Target, failing: Uint8Array, problem: string): Promise<Uint8Array> {
  let smallest = failing
  let attempts = 0
  const fails = async (input: Uint8Array): Promise<boolean> =>
    ++attempts <= MAX_ATTEMPTS && kindOf(await problemOf(target, input)) === kindOf(problem)
  for (let size = failing.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < smallest.length;) {
      const shorter = concat([smallest.subarray(0, at), smallest.subarray(at + size)])
      if (await fails(shorter)) smallest = shorter
      else at += size
    }
  }
  for (let at = 0; at < smallest.length; at++) {
    const plainer = smallest.slice()
    plainer[at] = 0x30
    if (smallest[at] !== 0x30 && (await fails(plainer))) smallest = plainer
  }
  return smallest
}

/** What a problem says but for what differs with each input: up to the second colon or the first number. */
function kindOf(problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : /^[^:\d]*(?::[^:\d]*)?/.exec(problem)?.[0]
}
