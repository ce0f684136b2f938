import type { Settings } from '../settings/settings.ts'
import type { WorkerClocks } from './worker-messages.ts'

/** What workers are told of the clocks. */
export function clocksOf(
  settings: Pick<
    Settings<'serve'>,
    'requestTimeout' | 'workerConcurrency' | 'queueTimeout' | 'heartbeatTimeout' | 'slowRequestTime'
  >,
): WorkerClocks {
  return {
    requestTimeoutMs: settings.requestTimeout,
    workerConcurrency: settings.workerConcurrency,
    queueTimeoutMs: settings.queueTimeout,
    heartbeatTimeoutMs: settings.heartbeatTimeout,
    slowRequestMs: settings.slowRequestTime,
  }
}
