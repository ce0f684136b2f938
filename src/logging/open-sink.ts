import { FileSink } from './file-sink.ts'
import type { LineSink, LossListener } from './line-sink.ts'
import type { LogTarget } from './log-target.ts'
import { StreamSink } from './stream-sink.ts'
import { syslogSink } from './syslog-sink.ts'
import type { SyslogOptions } from './syslog-sink.ts'

/** Opens an access log; undefined where there is none. Throws `TSGI_ERR_LOG`. */
export function openAccessSink(target: LogTarget, syslog: SyslogOptions, losses: LossListener): LineSink | undefined {
  switch (target.type) {
    case 'off':
      return undefined
    case 'file':
      return new FileSink(target.path, losses)
    case 'stream':
      return new StreamSink(process.stdout, losses)
    case 'syslog':
      return syslogSink(syslog, 'access', losses)
  }
}
