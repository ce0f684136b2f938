import { TsgiError } from '../interface/errors.ts'
import type { RecordOptions } from '../recording/recorder.ts'
import type { Settings } from '../settings/settings.ts'

type RecordSettings = Pick<Settings<'serve'>, 'record' | 'recordSample' | 'recordMaxSize' | 'recordMaxBody' | 'recordRedact'>

/** Undefined where nothing is recorded. Throws `TSGI_ERR_OPTION` where something is said about it all the same. */
export function recordOptions(settings: RecordSettings): RecordOptions | undefined {
  const { record, recordSample, recordMaxSize, recordMaxBody, recordRedact } = settings
  if (record !== undefined) {
    return {
      path: record,
      sample: recordSample,
      maxFileBytes: recordMaxSize,
      maxBodyBytes: recordMaxBody,
      redact: recordRedact,
    }
  }
  if (recordRedact.length > 0) throw new TsgiError('TSGI_ERR_OPTION', '--record-redact does nothing without --record')
  return undefined
}
