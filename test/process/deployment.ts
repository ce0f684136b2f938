import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { get, Served, temporaryDirectory } from './served.ts'

/** An application whose file can be changed while it runs. */
export class Deployment {
  readonly directory = temporaryDirectory()
  readonly socket = join(this.directory, 'app.sock')
  readonly file = join(this.directory, 'app', 'wsgi.mjs')

  constructor() {
    mkdirSync(join(this.directory, 'app'))
  }

  deploy(version: string): this {
    return this.write(`
      import { setTimeout as wait } from 'node:timers/promises'
      export const application = async (environ, startResponse) => {
        if (environ.PATH_INFO === '/slow') await wait(700)
        if (environ.PATH_INFO === '/grow') globalThis.held = Buffer.alloc(200e6, 1)
        startResponse('200 OK', [['Content-Type', 'text/plain']])
        return [${JSON.stringify(version)} + ' ' + process.pid + ' ' + environ['tsgi.multiprocess']]
      }`)
  }

  write(source: string): this {
    writeFileSync(this.file, source)
    return this
  }

  async serve(...args: string[]): Promise<Served> {
    return new Served({ args: [this.file, '--bind', `unix:${this.socket}`, ...args] }).ready()
  }

  async version(path = '/'): Promise<string> {
    return (await get(this.socket, path)).body.split(' ', 1)[0] ?? ''
  }

  /** Asks again and again until `stop`; what came, what failed, and how long the longest took, milliseconds. */
  load(): { stop: () => Promise<{ answers: Set<string>; failures: unknown[]; count: number; longest: number }> } {
    let going = true
    let count = 0
    let longest = 0
    const answers = new Set<string>()
    const failures: unknown[] = []
    const clients = Array.from({ length: 4 }, async () => {
      while (going) {
        const at = performance.now()
        try {
          const { status, body } = await get(this.socket)
          answers.add(status === 200 ? (body.split(' ', 1)[0] ?? '') : `status ${status}`)
        } catch (error) {
          failures.push(error)
        }
        count += 1
        longest = Math.max(longest, performance.now() - at)
      }
    })
    return {
      async stop() {
        going = false
        await Promise.all(clients)
        return { answers, failures, count, longest }
      },
    }
  }
}
