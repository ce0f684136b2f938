import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { until } from '../support/until.ts'

const COMMAND = fileURLToPath(new URL('../../dist/cli/tsgi.js', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `tsgi ctl` with the arguments to its end. */
export function ctl(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [COMMAND, 'ctl', ...args],
      { env: { ...process.env, ...env }, timeout: 15_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr })
      },
    )
  })
}

/** The parts of replies that tests look at. */
export interface ControlReply {
  readonly tsgi: number
  readonly ok: boolean
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: string; readonly message: string }
}

/** A client of the control socket that does not use the server's own code: lines out, lines in. */
export class ControlPeer {
  readonly socket: Socket
  closed = false
  #text = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8').on('data', (text: string) => (this.#text += text))
    socket.on('error', () => {})
    socket.on('close', () => (this.closed = true))
    onTestFinished(() => {
      socket.destroy()
    })
  }

  static async connect(path: string): Promise<ControlPeer> {
    const socket = connect(path)
    const peer = new ControlPeer(socket)
    await once(socket, 'connect')
    return peer
  }

  send(text: string): this {
    this.socket.write(text)
    return this
  }

  /** The next line. */
  async reply(): Promise<ControlReply> {
    await until(() => this.#text.includes('\n') || this.closed, 'a reply')
    const end = this.#text.indexOf('\n')
    if (end < 0) throw new Error(`closed after ${JSON.stringify(this.#text)}`)
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 1)
    return JSON.parse(line) as ControlReply
  }

  ask(request: object): Promise<ControlReply> {
    return this.send(`${JSON.stringify({ tsgi: 1, ...request })}\n`).reply()
  }
}
