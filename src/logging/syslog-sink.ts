import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket as DatagramSocket } from 'node:dgram'
import { lookup } from 'node:dns'
import { connect } from 'node:net'
import type { Writable } from 'node:stream'

import type { LineSink, LossListener, Severity } from './line-sink.ts'
import { boundedLine, priority, syslogMessage } from './syslog-message.ts'
import type { Facility } from './syslog-message.ts'
import type { SyslogAddress } from './syslog-address.ts'

export interface SyslogOptions {
  readonly address: SyslogAddress
  readonly facility: Facility
  /** What the lines are found by: APP-NAME, or a tag. */
  readonly name: string
}

/** What may wait for a receiver that is slow, or not there yet: bytes of a stream, and messages. */
const MAX_WAITING_BYTES = 1024 * 1024
const MAX_WAITING_MESSAGES = 1000

/** Of util-linux. */
const LOGGER = 'logger'

/** How soon a connection that was lost is tried again, milliseconds. */
const RETRY_MS = 1000

/** `kind`: which log, `access` or `error`. */
export function syslogSink(options: SyslogOptions, kind: string, losses: LossListener): LineSink {
  const { address, facility, name } = options
  if (address.type === 'udp') {
    return new DatagramSink((severity, line) => syslogMessage(facility, severity, name, kind, line), address, losses)
  }
  if (address.type === 'dgram') {
    // Node cannot open such a socket. util-linux's logger can, and adds what syslog wants to know.
    const args = ['--socket', address.path, '--prio-prefix', '--size', '10000', '--tag', `${name}/${kind}`, `--id=${process.pid}`]
    // A session of its own: a terminal's Ctrl-C must not end it before the last lines.
    const start = (): Writable => {
      const child = spawn(LOGGER, args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
      child.on('error', (error) => child.stdin.destroy(error))
      child.on('exit', () => child.stdin.destroy())
      child.unref()
      return child.stdin
    }
    return new PipeSink((severity, line) => `<${priority(facility, severity)}>${boundedLine(line)}`, start, losses)
  }
  const target = address.type === 'stream' ? { path: address.path } : { host: address.host, port: address.port }
  return new PipeSink(
    (severity, line) => syslogMessage(facility, severity, name, kind, line),
    () => connection(target),
    losses,
  )
}

/** A connection that holds up nobody's end. What syslog may say on it is thrown away, so that its end is seen. */
function connection(target: { host: string; port: number } | { path: string }): Writable {
  return connect(target).resume().unref()
}

type Compose = (severity: Severity, line: string) => string

/** A message a line (RFC 6587, section 3.4.2) on a stream that is opened again when it breaks. */
class PipeSink implements LineSink {
  readonly #compose: Compose
  readonly #open: () => Writable
  readonly #losses: LossListener
  #stream: Writable | undefined
  #retryAt = 0
  #why: unknown = 'no connection'
  #closed = false

  constructor(compose: Compose, open: () => Writable, losses: LossListener) {
    this.#compose = compose
    this.#open = open
    this.#losses = losses
    this.#connect()
  }

  write(line: string, severity: Severity = 'info'): void {
    if (this.#closed) return
    if (this.#stream === undefined && performance.now() >= this.#retryAt) this.#connect()
    const stream = this.#stream
    if (stream === undefined) this.#losses.lost(1, this.#why)
    else if (stream.writableLength > MAX_WAITING_BYTES) this.#losses.lost(1, 'syslog takes no more')
    else {
      stream.write(`${this.#compose(severity, line)}\n`, (error) => {
        if (error === null || error === undefined) this.#losses.written()
        else this.#losses.lost(1, error)
      })
    }
  }

  flush(): void {}

  reopen(): void {}

  async close(limitMs: number): Promise<void> {
    this.#closed = true
    const stream = this.#stream
    if (stream === undefined) return
    await within(limitMs, (done) => {
      stream.once('close', done)
      stream.end(done)
    })
  }

  #connect(): void {
    const stream = this.#open()
    this.#stream = stream
    stream.on('error', (error) => (this.#why = error))
    stream.on('close', () => {
      this.#stream = undefined
      this.#retryAt = performance.now() + RETRY_MS
    })
  }
}

/** One datagram a message (RFC 5426). */
class DatagramSink implements LineSink {
  readonly #compose: Compose
  readonly #losses: LossListener
  readonly #early: Buffer[] = []
  #socket: DatagramSocket | undefined
  #waiting = 0
  #onIdle: (() => void) | undefined
  #failed: unknown

  constructor(compose: Compose, { host, port }: { host: string; port: number }, losses: LossListener) {
    this.#compose = compose
    this.#losses = losses
    // Once, and not for every message. Another address after a move needs a reload.
    lookup(host, (error, address, family) => {
      if (error !== null) {
        this.#fail(error)
        return
      }
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
      socket.unref()
      socket.on('error', (problem) => this.#losses.lost(1, problem))
      socket.connect(port, address, () => {
        this.#socket = socket
        for (const message of this.#early.splice(0)) this.#send(socket, message)
        if (this.#waiting === 0) this.#onIdle?.()
      })
    })
  }

  write(line: string, severity: Severity = 'info'): void {
    const message = Buffer.from(this.#compose(severity, line))
    if (this.#failed !== undefined) this.#losses.lost(1, this.#failed)
    else if (this.#waiting + this.#early.length >= MAX_WAITING_MESSAGES) this.#losses.lost(1, 'syslog takes no more')
    else if (this.#socket === undefined) this.#early.push(message)
    else this.#send(this.#socket, message)
  }

  flush(): void {}

  reopen(): void {}

  async close(limitMs: number): Promise<void> {
    if (this.#waiting + this.#early.length > 0) await within(limitMs, (done) => (this.#onIdle = done))
    this.#socket?.close()
    this.#socket = undefined
  }

  #send(socket: DatagramSocket, message: Buffer): void {
    this.#waiting++
    socket.send(message, (error) => {
      this.#waiting--
      if (error === null) this.#losses.written()
      else this.#losses.lost(1, error)
      if (this.#waiting === 0) this.#onIdle?.()
    })
  }

  #fail(error: unknown): void {
    this.#failed = error
    if (this.#early.length > 0) this.#losses.lost(this.#early.splice(0).length, error)
    this.#onIdle?.()
  }
}

/** Resolves when `start` calls back, or the time is over. */
function within(limitMs: number, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs)
    start(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
