import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import type { Profiler } from 'node:inspector'
import { join } from 'node:path'
import type { Environ, Middleware, ResponseBody } from '../interface/application.ts'
import { flameGraph } from './flame-graph.ts'
import { onClose } from './response-body.ts'
import { keepingLifespan } from './keep-lifespan.ts'

export interface ProfilerOptions {
  /** Where the files go; made when it is not there. `profiles` in the current directory when left out. */
  readonly directory?: string
  /** Which requests. All when left out. */
  readonly condition?: (environ: Environ) => boolean
  /** Requests that were quicker leave no file, milliseconds. */
  readonly minimumMs?: number
  /** Time between two samples, microseconds. 200 when left out. */
  readonly intervalUs?: number
  /** Pairs of files that are kept; the oldest make room. 100 when left out. */
  readonly keep?: number
  /** Told of what could not be written. `tsgi.errors` of the request when left out. */
  readonly onError?: (error: unknown) => void
}

/**
 * Profiles requests with V8's sampling profiler, one at a time, and writes of each a flame graph (`.svg`, for a browser) and the
 * profile itself (`.cpuprofile`, for Chromium's tools). While one is profiled others are served and not profiled, but what they
 * do on the same thread is in the picture too. Costs a tenth of the speed and more: for finding out, not for every day.
 */
export function profiler(options: ProfilerOptions = {}): Middleware {
  const { directory = 'profiles', condition, minimumMs = 0, intervalUs = 200, keep = 100 } = options
  let busy = false
  return keepingLifespan((application) => async (environ, startResponse) => {
    if (busy || condition?.(environ) === false) return application(environ, startResponse)
    busy = true
    const { onError = (error) => environ['tsgi.errors'].write(`profiler: ${String(error)}\n`) } = options
    const recording = await Recording.start(intervalUs).catch((error: unknown) => onError(error))
    if (recording === undefined) {
      busy = false
      return application(environ, startResponse)
    }
    const title = `${environ.REQUEST_METHOD} ${environ.SCRIPT_NAME}${environ.PATH_INFO}`
    const finish = (): void => {
      recording
        .stop()
        .then(async ({ profile, durationMs }) => {
          if (durationMs >= minimumMs) await save({ directory, keep, title, profile, durationMs })
        })
        .catch(onError)
        .finally(() => {
          busy = false
        })
    }
    let body: ResponseBody
    try {
      body = await application(environ, startResponse)
    } catch (error) {
      finish()
      throw error
    }
    return onClose(body, finish)
  })
}

class Recording {
  readonly #session: Session
  readonly #startedMs = performance.now()

  private constructor(session: Session) {
    this.#session = session
  }

  static async start(intervalUs: number): Promise<Recording> {
    const session = new Session()
    session.connect()
    try {
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: intervalUs })
      await session.post('Profiler.start')
      return new Recording(session)
    } catch (error) {
      session.disconnect()
      throw error
    }
  }

  async stop(): Promise<{ profile: Profiler.Profile; durationMs: number }> {
    const durationMs = performance.now() - this.#startedMs
    try {
      const { profile } = await this.#session.post('Profiler.stop')
      return { profile, durationMs }
    } finally {
      this.#session.disconnect()
    }
  }
}

interface Saving {
  readonly directory: string
  readonly keep: number
  readonly title: string
  readonly profile: Profiler.Profile
  readonly durationMs: number
}

/** A time, so that names sort by it, what was asked for, as far as it can be in a name, and the process, for workers share the directory. */
async function save({ directory, keep, title, profile, durationMs }: Saving): Promise<void> {
  await mkdir(directory, { recursive: true })
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '')
  const what = title.replaceAll(/[^\w-]+/g, '.').slice(0, 80)
  const name = join(directory, `${time}-${process.pid}-${what}-${Math.round(durationMs)}ms`)
  await writeFile(`${name}.cpuprofile`, JSON.stringify(profile))
  await writeFile(`${name}.svg`, flameGraph(profile, `${title}, ${durationMs.toFixed(1)} ms`))
  const old = (await readdir(directory)).filter((file) => /^\d{8}T\d{9}Z-.*\.(?:svg|cpuprofile)$/.test(file)).sort()
  await Promise.all(old.slice(0, Math.max(0, old.length - 2 * keep)).map((file) => rm(join(directory, file), { force: true })))
}
