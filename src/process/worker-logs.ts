import { closeSync } from 'node:fs'

import type { AccessLog } from '../gateway/access.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import { compileAccessFormat } from '../logging/access-format.ts'
import { AccessWriter } from '../logging/access-writer.ts'
import { openLog } from '../logging/file-sink.ts'
import { Losses } from '../logging/line-sink.ts'
import type { LineSink } from '../logging/line-sink.ts'
import type { LogOptions } from '../logging/log-options.ts'
import { openAccessSink } from '../logging/open-sink.ts'
import { syslogSink } from '../logging/syslog-sink.ts'
import { createLogger, writeToStderr } from './log.ts'
import type { LoggerOptions } from './log.ts'

/** The logs of a worker. */
export class WorkerLogs {
  readonly log: Logger
  access: AccessLog | undefined
  readonly #options: LogOptions | undefined
  readonly #logging: LoggerOptions & { level: LogLevel }
  readonly #sinks: LineSink[] = []
  readonly #losses: Losses[] = []
  /** The error log, opened anew. Before that, standard error is it. */
  #errorFd: number | undefined

  constructor(options: LogOptions | undefined, level: LogLevel) {
    this.#options = options
    this.#logging = { level, format: options?.errorFormat ?? 'text', write: this.#errorWriter() }
    this.log = createLogger(this.#logging)
  }

  set level(level: LogLevel) {
    this.#logging.level = level
  }

  /** Throws `TSGI_ERR_LOG`. */
  open(): void {
    const options = this.#options
    if (options === undefined || options.access.type === 'off') return
    const losses = new Losses((message) => this.log.warn(`access log: ${message}`))
    const sink = openAccessSink(options.access, options.syslog, losses)
    if (sink === undefined) return
    this.#sinks.push(sink)
    this.#losses.push(losses)
    this.access = new AccessWriter(compileAccessFormat(options.accessFormat), sink, losses)
    // However the process ends, short of SIGKILL.
    process.on('exit', () => sink.flush())
  }

  /** Path of the error log, where it is a file. */
  get errorLog(): string | undefined {
    const { error } = this.#options ?? {}
    return error?.type === 'file' ? error.path : undefined
  }

  reopen(): void {
    for (const sink of this.#sinks) sink.reopen()
    const { error, captureOutput } = this.#options ?? {}
    if (error?.type !== 'file') return
    try {
      const fd = openLog(error.path)
      redirect(process.stderr, fd)
      if (captureOutput === true) redirect(process.stdout, fd)
      if (this.#errorFd !== undefined) closeSync(this.#errorFd)
      this.#errorFd = fd
    } catch (problem) {
      this.log.warn('the error log stays the old file', problem)
    }
  }

  /** Writes what is left. */
  async close(limitMs: number): Promise<void> {
    for (const losses of this.#losses) losses.end()
    await Promise.all(this.#sinks.map((sink) => sink.close(limitMs)))
  }

  #errorWriter(): (line: string, level: LogLevel) => void {
    const options = this.#options
    if (options?.error.type !== 'syslog') return writeToStderr
    const losses = new Losses((message) => writeToStderr(`error log: ${message}`))
    const sink = syslogSink(options.syslog, 'error', losses)
    this.#sinks.push(sink)
    this.#losses.push(losses)
    return (line, level) => sink.write(line, level)
  }
}

/**
 * Leads what this process writes on a standard stream elsewhere. Node has no dup2(2), but writes to files by a number that it keeps
 * on the stream. What is written past the stream, such as the last words of V8, goes to the file that was there before.
 */
function redirect(stream: NodeJS.WriteStream, fd: number): void {
  if (typeof Reflect.get(stream, 'fd') === 'number') Reflect.set(stream, 'fd', fd)
}
