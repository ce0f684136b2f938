import type { LogTarget } from './log-target.ts'
import type { SyslogOptions } from './syslog-sink.ts'

/** Which logs the processes of one server write, and where. Plain values: the master tells its workers. */
export interface LogOptions {
  readonly access: LogTarget
  /** A format's name, or atoms. */
  readonly accessFormat: string
  /** `stream`: standard error. `file`: what a worker says on its standard error goes there. */
  readonly error: LogTarget
  readonly errorFormat: ErrorFormat
  /** With an error log in a file: standard output of the workers goes there, too. */
  readonly captureOutput: boolean
  readonly syslog: SyslogOptions
}

export type ErrorFormat = 'text' | 'json'
