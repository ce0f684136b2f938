import { closeSync, fchownSync, fstatSync, lstatSync } from 'node:fs'

import type { Account } from './account.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import { ErrorLogFile } from '../logging/error-log-file.ts'
import { openLog } from '../logging/file-sink.ts'
import { Losses } from '../logging/line-sink.ts'
import type { LineSink } from '../logging/line-sink.ts'
import type { LogOptions } from '../logging/log-options.ts'
import { LogRotation } from '../logging/rotation.ts'
import { syslogSink } from '../logging/syslog-sink.ts'
import { createLogger, writeToStderr } from './log.ts'
import type { LoggerOptions } from './log.ts'
import type { WorkerOutput } from './master-options.ts'

/** What may be left in a sink at the end gets this long, milliseconds. */
const CLOSE_MS = 1000

/** The logs of a server without a proxy of its own, as its master has them. */
export class ServerLogs {
  readonly options: LogOptions
  readonly log: Logger
  readonly #file: ErrorLogFile | undefined
  readonly #sink: LineSink | undefined
  readonly #logging: LoggerOptions & { level: LogLevel }
  #rotation: LogRotation | undefined

  /** Throws `TSGI_ERR_LOG` where one of them cannot be opened. */
  /** Who the workers are, where that is somebody else: they open the access log themselves. */
  readonly #account: Pick<Account, 'uid' | 'gid'> | undefined

  constructor(options: LogOptions, level: LogLevel, account?: Pick<Account, 'uid' | 'gid'>) {
    this.#account = account
    this.options = options
    checkAccessLog(options, account)
    const { error, syslog } = options
    if (error.type === 'file') this.#file = new ErrorLogFile(error.path, writeToStderr)
    if (error.type === 'syslog') this.#sink = syslogSink(syslog, 'error', new Losses(writeToStderr))
    this.#logging = { level, format: options.errorFormat, write: (line, of) => this.#write(line, of) }
    this.log = createLogger(this.#logging)
  }

  set level(level: LogLevel) {
    this.#logging.level = level
  }

  /** What a worker that is started now has as its standard output and error. */
  readonly output = (): WorkerOutput => {
    const file = this.#file
    if (file === undefined) return {}
    return this.options.captureOutput ? { stdout: file.fd, stderr: file.fd } : { stderr: file.fd }
  }

  /** The master's own part; its workers are told by it. */
  reopen(): void {
    // Made here, and theirs: the directory often is root's.
    if (this.#account !== undefined) checkAccessLog(this.options, this.#account)
    this.#file?.reopen()
  }

  /** Moves them away when they are large. */
  rotate(limits: { maxBytes: number; keep: number }, reopen: () => void): void {
    this.#rotation = new LogRotation({ ...limits, log: this.log, reopen, files: logFiles(this.options) })
  }

  async close(): Promise<void> {
    this.#rotation?.stop()
    this.#file?.close()
    await this.#sink?.close(CLOSE_MS)
  }

  #write(line: string, level: LogLevel): void {
    if (this.#sink !== undefined) this.#sink.write(line, level)
    else if (this.#file === undefined) writeToStderr(line)
    else this.#file.writeLine(line)
  }
}

/** Opens the access log once, so that what is wrong with it is said before anything is started. Throws `TSGI_ERR_LOG`. */
export function checkAccessLog({ access }: LogOptions, account?: Pick<Account, 'uid' | 'gid'>): void {
  if (access.type !== 'file') return
  const fd = openLog(access.path)
  try {
    if (account !== undefined && isPlainly(access.path, fd)) fchownSync(fd, account.uid, account.gid)
  } finally {
    closeSync(fd)
  }
}

function logFiles({ access, error }: LogOptions): string[] {
  return [...new Set([access, error].flatMap((target) => (target.type === 'file' ? [target.path] : [])))]
}

/**
 * Whether the name is that of the file itself. Who may write the directory could have made it a link to a file of root's, which
 * must not be given away.
 */
function isPlainly(path: string, fd: number): boolean {
  const [named, opened] = [lstatSync(path, { throwIfNoEntry: false }), fstatSync(fd)]
  return named?.isFile() === true && named.ino === opened.ino && named.dev === opened.dev && opened.nlink === 1
}
