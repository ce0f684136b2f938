import type { ChildProcess } from 'node:child_process'
import { connect } from 'node:net'

const STOP_PATIENCE_MS = 5000
const START_PATIENCE_MS = 30_000

/** What of a process the bench needs. */
export interface Stoppable {
  output(): string
  stop(): Promise<void>
}

/** A process of the bench, and what it has written. */
export class Running implements Stoppable {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<string>
  #output = ''
  #gone = false

  constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    const keep = (chunk: Buffer): void => {
      this.#output += chunk.toString()
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(`${name} ended with ${code ?? signal}`))
      child.once('error', (error) => resolve(error.message))
    })
    void this.#exited.then(() => {
      this.#gone = true
    })
  }

  output(): string {
    return this.#output === '' ? '' : `--- ${this.#name}\n${this.#output}`
  }

  /** Resolves when the process has said so. */
  async says(what: RegExp): Promise<void> {
    await this.#until(async () => what.test(this.#output), `does not say ${what}`)
  }

  /** Resolves when something accepts on the port. */
  async accepts(host: string, port: number): Promise<void> {
    await this.#until(() => accepting(host, port), `does not accept on ${host}:${port}`)
  }

  async #until(condition: () => Promise<boolean>, problem: string): Promise<void> {
    const deadline = performance.now() + START_PATIENCE_MS
    while (!(await condition())) {
      if (this.#gone) throw new Error(await this.#exited)
      if (performance.now() > deadline) throw new Error(`${this.#name} ${problem}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async stop(): Promise<void> {
    if (this.#gone) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_PATIENCE_MS)
    await this.#exited
    clearTimeout(timer)
  }
}

function accepting(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
