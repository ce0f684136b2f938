import { appendFileSync, writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

import { BEAT, DEBUGGED } from './heartbeat-shared.ts'
import type { StuckReport, ThreadData } from './heartbeat-shared.ts'
import { createLogger } from './log.ts'
import { askWhere } from './stuck-stack.ts'

/** The entry of the thread that watches a worker's event loop; see heartbeat.ts. */

/** A worker that is stuck when its master has gone ends after this, milliseconds. Others have ended by themselves by then. */
const ORPHAN_MS = 1000

/** A thread that has missed this many of its own turns, and milliseconds, has seen nothing: the process was stopped. */
const MISSED_TURNS = 4
const MISSED_MS = 250

// heartbeat.ts has put it there.
const { words, timeoutMs, slowMs, beatMs, masterPid, errorLog } = workerData as ThreadData

const log = createLogger({
  level: 'info',
  write(line) {
    try {
      if (errorLog === undefined) writeSync(2, `${line}\n`)
      else appendFileSync(errorLog, `${line}\n`)
    } catch {
      // The reader is full, or gone. The process ends all the same.
    }
  },
})

let lastTurn = performance.now()
let lastBeat = -1
let lastBeatAt = lastTurn
let debuggedAt = -Infinity
let orphanedAt = 0
let asking = false
/** The beat behind which a block was told. */
let toldBeat = -1

setInterval(() => {
  const now = performance.now()
  const missed = now - lastTurn > MISSED_TURNS * beatMs + MISSED_MS
  lastTurn = now
  const beat = Atomics.load(words, BEAT)
  if (beat !== lastBeat || missed) {
    lastBeat = beat
    lastBeatAt = now
  }
  if (Atomics.load(words, DEBUGGED) === 1) debuggedAt = now
  if (process.ppid !== masterPid) {
    orphanedAt ||= now
    if (now - orphanedAt > ORPHAN_MS && now - lastBeatAt > ORPHAN_MS) kill()
  }
  const stuckMs = now - Math.max(lastBeatAt, debuggedAt)
  if (asking) return
  if (timeoutMs > 0 && stuckMs > timeoutMs) void endStuck(stuckMs)
  else if (slowMs > 0 && stuckMs > slowMs && toldBeat !== beat) void tellBlocked(stuckMs, beat)
}, beatMs)

async function endStuck(stuckMs: number): Promise<void> {
  asking = true
  const answer = await askWhere(stuckMs, () => Atomics.load(words, BEAT) !== lastBeat, true)
  asking = false
  if (answer === 'turns again') return
  const stuck = `TSGI_ERR_WORKER_STUCK The event loop is stuck: for ${(stuckMs / 1000).toFixed(1)} s`
  const end = 'the worker is killed, and another one takes its place'
  if (answer === 'no answer') log.error(`${stuck} in native code, which has no JavaScript stack to show; ${end}`)
  else log.error([`${stuck} in ${answer.where}; ${end}`, ...reportLines(answer)].join('\n'))
  kill()
}

/** It goes on when it has told. */
async function tellBlocked(stuckMs: number, beat: number): Promise<void> {
  asking = true
  toldBeat = beat
  const answer = await askWhere(stuckMs, () => Atomics.load(words, BEAT) !== beat, false)
  asking = false
  if (answer === 'turns again') return
  const blocked = `TSGI_ERR_SLOW_REQUEST The event loop is blocked: for ${(stuckMs / 1000).toFixed(1)} s`
  if (answer === 'no answer') log.warn(`${blocked} in native code, which has no JavaScript stack to show`)
  else log.warn([`${blocked} in ${answer.where}`, ...reportLines(answer)].join('\n'))
}

function reportLines({ stack, requests, moreRequests }: StuckReport): string[] {
  const more = moreRequests > 0 ? [`and ${moreRequests} more`] : []
  return [...stack.map((line) => `at ${line}`), ...requests.map((label) => `request in flight: ${label}`), ...more]
}

/** Nothing of this process can run any more that would have to be asked. */
function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}
