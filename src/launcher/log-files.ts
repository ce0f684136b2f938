import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'

import type { LogTarget } from '../proxy/site.ts'

/** Lines of the error log that a message quotes, and how far back from its end they are looked for, bytes. */
const LAST_LINES = 10
const TAIL_BYTES = 16 * 1024

/** Where this run's output goes. */
export interface Logs {
  readonly access: LogTarget
  readonly error: LogTarget
  /** Descriptor for what the workers write; undefined: they inherit the terminal. */
  readonly output: number | undefined
  /** Something the operator should know about where the logs go. */
  readonly notice: string | undefined
  /** Appends one line to the error log. */
  writeLine(line: string): void
  /** The last lines written to the error log in this run, newest last. Empty where the terminal has them. */
  lastLines(): string[]
  close(): void
}

/**
 * Logs in files: the proxy's and the workers' errors share one, which everyone appends to.
 * Throws what opening the error log throws.
 */
export function fileLogs(accessLogPath: string, errorLogPath: string): Logs {
  const fd = openSync(errorLogPath, 'a+', 0o640)
  // A server root that is used again has the lines of earlier runs.
  const start = fstatSync(fd).size
  return {
    access: { file: accessLogPath },
    error: { file: errorLogPath },
    output: fd,
    notice: undefined,
    writeLine(line) {
      try {
        writeSync(fd, `${line}\n`)
      } catch {
        // A full disk takes the line, not the server.
      }
    },
    lastLines: () => tail(fd, start),
    close() {
      closeSync(fd)
    },
  }
}

/**
 * Logs on the terminal (or whatever stands for it). nginx writes its access log to a path only: where standard output cannot
 * be opened as one, that log stays a file. Without a proxy (`proxied`) there is none.
 */
export function terminalLogs(accessLogPath: string, proxied = true): Logs {
  const obstacle = stdoutObstacle()
  return {
    access: obstacle === undefined ? 'terminal' : { file: accessLogPath },
    error: 'terminal',
    output: undefined,
    notice: obstacle === undefined || !proxied ? undefined : `the access log is ${accessLogPath}: ${obstacle}`,
    writeLine(line) {
      process.stderr.write(`${line}\n`)
    },
    lastLines: () => [],
    close() {},
  }
}

/** Why nginx cannot append to standard output by its path, or undefined where it can. */
function stdoutObstacle(): string | undefined {
  try {
    closeSync(openSync('/dev/stdout', 'a'))
  } catch {
    return 'standard output is a socket or a closed terminal, which nginx cannot open'
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
