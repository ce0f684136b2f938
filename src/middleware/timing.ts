import type { Environ, Middleware } from '../interface/application.ts'
import { onClose } from './response-body.ts'
import { withFields } from './response-fields.ts'
import { keepingLifespan } from './keep-lifespan.ts'

/** One request that is over. */
export interface TimedRequest {
  readonly environ: Environ
  /** `"200 OK"`; undefined: the application failed before it said one. */
  readonly status: string | undefined
  /** From the call of the application to the head of its response, milliseconds. */
  readonly headMs: number
  /** From the call of the application to the end of its response, milliseconds. */
  readonly totalMs: number
}

export interface TimingOptions {
  /** The name of the metric in `Server-Timing`. `app` when left out. */
  readonly name?: string
  /** Told of every request when it is over. What it throws fails nobody's request: it is ignored. */
  readonly onRequest?: (request: TimedRequest) => void
}

/**
 * Says how long the application took until its head, in `Server-Timing` (W3C Server Timing), which browsers show among
 * their tools, and tells a listener how long the whole request took. Everybody can read the field.
 */
export function timing({ name = 'app', onRequest }: TimingOptions = {}): Middleware {
  return keepingLifespan((application) => async (environ, startResponse) => {
    const startedMs = performance.now()
    let headMs = Number.NaN
    let status: string | undefined
    const done = (): void => {
      const totalMs = performance.now() - startedMs
      try {
        onRequest?.({ environ, status, headMs: Number.isNaN(headMs) ? totalMs : headMs, totalMs })
      } catch {
        // Who looks on must not change what it looks at.
      }
    }
    try {
      const body = await application(
        environ,
        withFields(startResponse, (fields, line) => {
          status = line
          headMs = performance.now() - startedMs
          fields.push(['Server-Timing', `${name};dur=${headMs.toFixed(1)}`])
        }),
      )
      return onRequest === undefined ? body : onClose(body, done)
    } catch (error) {
      status = undefined
      done()
      throw error
    }
  })
}
