import { Session } from 'node:inspector'
import type { Debugger, Runtime } from 'node:inspector'
import { extname } from 'node:path'

import { HEARTBEAT } from './heartbeat-shared.ts'
import type { StackFrame, StuckQuestion, StuckReport } from './heartbeat-shared.ts'

/** How long the debugger gets to stop a running function, milliseconds; it takes 20. Native code does not let it. */
const PAUSE_LIMIT_MS = 2000

/** How long the paused thread gets to describe itself, milliseconds: source maps may have to be read. */
const REPORT_LIMIT_MS = 1500

const HEARTBEAT_URL = new URL(`./heartbeat${extname(import.meta.url)}`, import.meta.url).href

/** The innermost frames that are told. */
const MAX_FRAMES = 30

/**
 * Stops the main thread, from another one, and asks what it is doing. `turns`: whether it has gone on meanwhile.
 * `fatal`: it stays stopped, but for 'turns again'; else it goes on.
 */
export function askWhere(
  stuckMs: number,
  turns: () => boolean,
  fatal: boolean,
): Promise<StuckReport | 'turns again' | 'no answer'> {
  return new Promise((resolve) => {
    const session = new Session()
    const urls = new Map<string, string>()
    const finish = (answer: StuckReport | 'turns again' | 'no answer'): void => {
      clearTimeout(limit)
      if (answer === 'turns again' || !fatal) session.disconnect()
      resolve(answer)
    }
    const limit = setTimeout(() => finish(turns() ? 'turns again' : 'no answer'), PAUSE_LIMIT_MS + REPORT_LIMIT_MS)
    session.on('Debugger.scriptParsed', ({ params }) => {
      if (params.url !== '') urls.set(params.scriptId, params.url)
    })
    session.on('Debugger.paused', ({ params }) => {
      const frames = params.callFrames.slice(0, MAX_FRAMES).map((frame) => frameOf(frame, urls))
      // After a long call of the system, the debugger may stop what comes next: the beat itself.
      if (turns() || frames.some(({ url }) => url === HEARTBEAT_URL)) {
        finish('turns again')
        return
      }
      const question: StuckQuestion = { frames, stuckMs, fatal }
      const request = JSON.stringify(JSON.stringify(question))
      const expression = `globalThis[Symbol.for(${JSON.stringify(HEARTBEAT)})](${request})`
      // `timeout` is newer than the types.
      const evaluate = { expression, returnByValue: true, silent: true, timeout: REPORT_LIMIT_MS } as { expression: string }
      session.post('Runtime.evaluate', evaluate, (error, answer?: Runtime.EvaluateReturnType) => {
        const text: unknown = error === null ? answer?.result.value : undefined
        finish(typeof text === 'string' ? (JSON.parse(text) as StuckReport) : bareReport(frames))
      })
    })
    try {
      session.connectToMainThread()
      session.post('Debugger.enable')
      session.post('Debugger.pause')
    } catch {
      // A Node that was built without the inspector.
      finish('no answer')
    }
  })
}

function frameOf({ functionName, url, location }: Debugger.CallFrame, urls: ReadonlyMap<string, string>): StackFrame {
  return {
    name: functionName,
    url: url || (urls.get(location.scriptId) ?? ''),
    line: location.lineNumber,
    column: location.columnNumber ?? 0,
  }
}

/** Where the main thread cannot describe itself. */
function bareReport(frames: readonly StackFrame[]): StuckReport {
  const stack = frames.map(({ name, url, line, column }) => `${name} (${url}:${line + 1}:${column + 1})`)
  return { where: stack[0] ?? '', stack, requests: [], moreRequests: 0 }
}
