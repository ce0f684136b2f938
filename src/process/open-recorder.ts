import type { Logger } from '../interface/logger.ts'
import type { Recorder, RecordOptions } from '../recording/recorder.ts'

/** Few servers record: others do not load what it needs. Rejects with `TSGI_ERR_LOG`. */
export async function openRecorder(options: RecordOptions | undefined, log: Logger): Promise<Recorder | undefined> {
  if (options === undefined) return undefined
  const { Recorder } = await import('../recording/recorder.ts')
  return new Recorder(options, log)
}
