import type { DevelopmentPage } from '../development/development-page.ts'
import type { Logger } from '../interface/logger.ts'
import type { Recorder, RecordOptions } from '../recording/recorder.ts'

/** What few workers have: the others do not load it. */

/** Rejects with `TSGI_ERR_LOG`. */
export async function openRecorder(options: RecordOptions | undefined, log: Logger): Promise<Recorder | undefined> {
  if (options === undefined) return undefined
  const { Recorder } = await import('../recording/recorder.ts')
  return new Recorder(options, log)
}

/** Of a server in development. */
export async function developmentPage(generation: number): Promise<DevelopmentPage> {
  const { DevelopmentPage } = await import('../development/development-page.ts')
  return new DevelopmentPage(generation)
}
