import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { ClientRequest } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ControlPeer, ctl } from './control-peer.ts'
import { Served, temporaryDirectory } from './served.ts'

const APPLICATION = `
  export const application = async (environ, startResponse) => {
    const signal = environ['tsgi.signal']
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    if (environ.PATH_INFO !== '/wait') return ['VERSION']
    return (async function* () {
      yield 'begun'
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })()
  }`

/** A server whose control socket is alone in a directory, which is where `ctl` looks. */
export class Controlled {
  readonly directory = temporaryDirectory()
  readonly socket = join(this.directory, 'app.sock')
  readonly file = join(this.directory, 'wsgi.mjs')
  /** Of all servers of a test. */
  readonly sockets: string

  constructor(sockets = `${temporaryDirectory()}/`) {
    this.sockets = sockets
    this.deploy('one')
  }

  deploy(version: string): this {
    writeFileSync(this.file, APPLICATION.replace('VERSION', version))
    return this
  }

  async serve(...args: string[]): Promise<Served> {
    const all = [this.file, '--bind', `unix:${this.socket}`, '--control-socket', this.sockets, ...args]
    return new Served({ args: all }).ready()
  }

  ctl(...args: string[]): ReturnType<typeof ctl> {
    return ctl(args, { TSGI_CONTROL_SOCKET: this.sockets })
  }

  async json(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await this.ctl(...args, '--json')
    expect(stderr).toBe('')
    return JSON.parse(stdout) as Record<string, unknown>
  }

  peer(served: Served): Promise<ControlPeer> {
    return ControlPeer.connect(join(this.sockets, `${served.pid}.sock`))
  }
}

/** A request that the application has begun to answer, and does not finish. */
export async function begin(target: string): Promise<ClientRequest> {
  const outgoing = request({ socketPath: target, path: '/wait', agent: false }).on('error', () => {})
  const begun = new Promise<void>((resolve) => {
    outgoing.on('response', (response) => response.on('error', () => {}).once('data', () => resolve()))
  })
  outgoing.end()
  await begun
  return outgoing
}
