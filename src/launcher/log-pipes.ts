import { execFile } from 'node:child_process'
import { constants, mkdirSync, openSync, readSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { promisify } from 'node:util'

import type { Logger } from '../interface/logger.ts'
import { FileSink } from '../logging/file-sink.ts'
import { Losses } from '../logging/line-sink.ts'
import type { Site } from '../proxy/site.ts'
import type { Logs } from './log-files.ts'
import type { ServerRoot } from './server-root.ts'
import { unusableRoot } from './unusable-root.ts'

/** Read at once where nobody may wait: what a pipe holds on Linux, bytes; and how often, for whoever fills it meanwhile. */
const PIPE_BYTES = 64 * 1024
const DRAINS = 16

/** A line that is longer is written in pieces, characters: the proxies' own lines have an end before. */
const MAX_LINE = 64 * 1024

/**
 * Named pipes in place of the log files of a proxy that reads all of its configuration again to open a file anew, and closes the
 * connections of its clients for it. The launcher writes what comes to the files: a file that was moved away is its affair alone.
 */
export class LogPipes {
  /** The logs, whose last lines have all that the proxy has written. */
  readonly logs: Logs
  readonly #access: { readonly pipe: LinePipe; readonly sink: FileSink; readonly losses: Losses } | undefined
  readonly #error: LinePipe
  readonly #failures: LinePipe

  private constructor(logs: Logs, paths: PipePaths, log: Logger, onProxyLine: (line: string) => void) {
    const { access, error, failures } = paths
    if (access !== undefined && typeof logs.access === 'object' && 'file' in logs.access) {
      const { file } = logs.access
      const losses = new Losses((message) => log.warn(`${file}: ${message}`))
      const sink = new FileSink(file, losses)
      this.#access = { sink, losses, pipe: new LinePipe(access, (line) => sink.write(line)) }
    }
    this.#error = new LinePipe(error, (line) => {
      logs.writeLine(line)
      onProxyLine(line)
    })
    this.#failures = new LinePipe(failures, onProxyLine)
    this.logs = {
      ...logs,
      lastLines: () => {
        this.#drain()
        return logs.lastLines()
      },
    }
  }

  /**
   * Makes a pipe for an access log that is a file, and for the error log, whatever that is. `onProxyLine`: takes the lines of the
   * error log, and those on requests that failed. Throws `TSGI_ERR_SERVER_ROOT`, `TSGI_ERR_LOG`.
   */
  static async make(
    { runningPath }: Pick<ServerRoot, 'runningPath'>,
    logs: Logs,
    log: Logger,
    onProxyLine: (line: string) => void = () => {},
  ): Promise<LogPipes> {
    const make = async (name: string): Promise<string> => {
      const path = join(runningPath, name)
      try {
        mkdirSync(runningPath, { recursive: true, mode: 0o700 })
        rmSync(path, { force: true })
        // Node has no call for it.
        await promisify(execFile)('mkfifo', ['-m', '600', path])
        return path
      } catch (error) {
        throw unusableRoot(path, error)
      }
    }
    const toFile = typeof logs.access === 'object' && 'file' in logs.access
    const paths = {
      access: toFile ? await make('access.pipe') : undefined,
      error: await make('error.pipe'),
      failures: await make('failures.pipe'),
    }
    return new LogPipes(logs, paths, log, onProxyLine)
  }

  /** What the proxy is to write to. */
  targets(logs: Site['logs']): Site['logs'] {
    return {
      ...logs,
      ...(this.#access === undefined ? {} : { access: { file: this.#access.pipe.path } }),
      error: { file: this.#error.path },
      failures: this.#failures.path,
    }
  }

  /** The access log was moved away: goes on in a new one. The error log is everyone's. */
  reopen(): void {
    this.#drain()
    this.#access?.sink.reopen()
  }

  async close(): Promise<void> {
    this.#access?.pipe.close()
    this.#error.close()
    this.#failures.close()
    await this.#access?.sink.close()
    this.#access?.losses.end()
  }

  #drain(): void {
    this.#access?.pipe.drain()
    this.#error.drain()
    this.#failures.drain()
  }
}

interface PipePaths {
  readonly access: string | undefined
  readonly error: string
  readonly failures: string
}

/** A named pipe, read line by line. */
class LinePipe {
  readonly path: string
  readonly #fd: number
  readonly #socket: Socket
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #closed = false

  /** Opened for both: whoever writes to it need not wait for a reader, and its end is not ours. */
  constructor(path: string, onLine: (line: string) => void) {
    this.path = path
    this.#onLine = onLine
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    this.#socket = new Socket({ fd: this.#fd, readable: true, writable: false })
    this.#socket.on('data', (bytes) => this.#take(bytes)).on('error', () => {})
  }

  /** Takes what is in it now. */
  drain(): void {
    if (this.#closed) return
    const bytes = Buffer.alloc(PIPE_BYTES)
    try {
      for (let count = 0; count < DRAINS; count += 1)
        this.#take(bytes.subarray(0, readSync(this.#fd, bytes, 0, bytes.length, null)))
    } catch {
      // EAGAIN: nothing more.
    }
  }

  close(): void {
    if (this.#closed) return
    this.drain()
    this.#closed = true
    if (this.#rest !== '') this.#onLine(this.#rest)
    this.#socket.destroy()
  }

  #take(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line)
    if (this.#rest.length <= MAX_LINE) return
    this.#onLine(this.#rest)
    this.#rest = ''
  }
}
