import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'

import { ErrorLogFile } from '../logging/error-log-file.ts'
import { LOG_MODE } from '../logging/file-sink.ts'
import type { AccessTarget, LogTarget } from '../proxy/site.ts'

/** Lines of the error log that a message quotes, and how far back from its end they are looked for, bytes. */
const LAST_LINES = 10
const TAIL_BYTES = 16 * 1024

/** Where this run's output goes. */
export interface Logs {
  readonly access: AccessTarget
  readonly error: LogTarget
  /** What the workers have as their standard output and error; undefined: they inherit the terminal. */
  readonly output: (() => { stdout: number; stderr: number }) | undefined
  /** Something the operator should know about where the logs go. */
  readonly notice: string | undefined
  /** Appends one line to the error log. */
  writeLine(line: string): void
  /** The last lines written to the error log in this run, newest last. Empty where the terminal has them. */
  lastLines(): string[]
  /** The error log was moved away: goes on in a new one. */
  reopen(): void
  close(): void
}

/**
 * The error log in a file: the proxy's and the workers' errors share it, which everyone appends to.
 * Throws `TSGI_ERR_LOG`.
 */
export function fileLogs(access: AccessPlan, errorLogPath: string): Logs {
  makeLog(access)
  const file = new ErrorLogFile(errorLogPath, (message) => process.stderr.write(`tsgi-express: warning: ${message}\n`))
  // A server root that is used again has the lines of earlier runs.
  let start = fstatSync(file.fd).size
  return {
    ...access,
    error: { file: errorLogPath },
    output: () => ({ stdout: file.fd, stderr: file.fd }),
    writeLine: (line) => file.writeLine(line),
    lastLines: () => tail(file.fd, start),
    reopen() {
      makeLog(access)
      if (file.reopen()) start = 0
    },
    close() {
      file.close()
    },
  }
}

/** The error log on the terminal, or whatever stands for it. */
export function terminalLogs(access: AccessPlan): Logs {
  makeLog(access)
  return {
    ...access,
    error: 'terminal',
    output: undefined,
    writeLine(line) {
      process.stderr.write(`${line}\n`)
    },
    lastLines: () => [],
    reopen: () => makeLog(access),
    close() {},
  }
}

/**
 * A proxy makes its log readable for everyone: it finds one that is made, with the mode of the others. Where it cannot be made, the
 * proxy says so.
 */
function makeLog({ access }: AccessPlan): void {
  if (typeof access !== 'object' || !('file' in access)) return
  try {
    closeSync(openSync(access.file, 'ax', LOG_MODE))
  } catch {
    // It is there.
  }
}

/** Where the proxy writes its access log, and what is to be said about that. */
export type AccessPlan = Pick<Logs, 'access' | 'notice'>

/** The proxy's access log on the terminal. It writes one to a path only: where standard output cannot be opened as one, the log becomes `file`. */
export function terminalAccess(file: string, proxy: string): AccessPlan {
  const obstacle = stdoutObstacle(proxy)
  if (obstacle === undefined) return { access: 'terminal', notice: undefined }
  return { access: { file }, notice: `the access log is ${file}: ${obstacle}` }
}

/** Why the proxy cannot append to standard output by its path, or undefined where it can. */
function stdoutObstacle(proxy: string): string | undefined {
  try {
    closeSync(openSync('/dev/stdout', 'a'))
  } catch {
    return `standard output is a socket or a closed terminal, which ${proxy} cannot open`
  }
  // Two writers with positions of their own overwrite each other, unless both append.
  if (fstatSync(1).isFile() && !isAppending(1))
    return 'standard output is a file that is not opened for appending (use >> instead of >)'
  return undefined
}

/** Linux tells how a descriptor was opened (proc(5), fdinfo): O_APPEND is 02000. Elsewhere taken as no. */
function isAppending(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & 0o2000) !== 0
  } catch {
    return false
  }
}

function tail(fd: number, start: number): string[] {
  const end = fstatSync(fd).size
  const from = Math.max(start, end - TAIL_BYTES)
  const buffer = Buffer.alloc(Math.max(0, end - from))
  const length = readSync(fd, buffer, 0, buffer.length, from)
  return cleanLines(buffer.toString('utf8', 0, length)).slice(-LAST_LINES)
}

/** Lines that are not empty, without what could act on a terminal. */
export function cleanLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/\t/g, '    ')
        .replace(/[\0-\x1f\x7f-\x9f]/g, '')
        .trimEnd(),
    )
    .filter((line) => line !== '')
}

/** Lines as the end of a message, indented below a heading; empty where there are none. */
export function quoteLines(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n  ${heading}\n${lines.map((line) => `    ${line}`).join('\n')}`
}
