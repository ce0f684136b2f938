import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { get, Launched } from '../launcher/launched.ts'
import type { Answer, LaunchOptions } from '../launcher/launched.ts'
import { temporaryDirectory } from '../launcher/temporary.ts'
import { until } from '../support/until.ts'

/** One URL for each way to fail. */
const APP = `
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Of the raw connection to the proxy, whatever the wire: the application has no business with it. */
const hoard = []
export const application = async (environ, startResponse) => {
  const path = environ.PATH_INFO
  if (path === '/exit') process.exit(3)
  if (path === '/throw') { setTimeout(() => { throw new Error('nobody catches this') }, 10); await new Promise(() => {}) }
  if (path === '/wait') { writeFileSync(process.env.SEEN, String(process.pid)); await new Promise(() => {}) }
  if (path === '/spin') for (;;) ;
  if (path === '/block') { const end = Date.now() + 1500; while (Date.now() < end) ; }
  if (path === '/hoard') for (;;) { hoard.push(Buffer.alloc(10_000_000, 1)); await sleep(1) }
  if (path === '/large') {
    startResponse('200 OK', [['Set-Cookie', 'a='.padEnd(40_000, 'x')]])
    return 'large'
  }
  if (path === '/half') {
    const write = startResponse('200 OK', [['Content-Length', '100']])
    await write('the beginning')
    throw new Error('half-way')
  }
  if (path === '/stream') {
    const write = startResponse('200 OK', [['Content-Type', 'text/plain']])
    await write('the beginning')
    await sleep(50)
    process.exit(4)
  }
  if (path === '/slow') await sleep(700)
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return 'pid ' + process.pid
}
`

export class Scene {
  readonly launched: Launched
  readonly url: string
  readonly root: string
  readonly #seen: string

  private constructor(launched: Launched, url: string, root: string, seen: string) {
    this.launched = launched
    this.url = url
    this.root = root
    this.#seen = seen
  }

  static start(...args: readonly string[]): Promise<Scene> {
    return Scene.startWith({}, ...args)
  }

  static async startWith(launch: LaunchOptions, ...args: readonly string[]): Promise<Scene> {
    const directory = temporaryDirectory()
    const [root, seen] = [join(directory, 'root'), join(directory, 'seen')]
    writeFileSync(join(directory, 'wsgi.mjs'), APP)
    writeFileSync(seen, '')
    const metrics = ['--metrics-bind', `unix:${join(root, 'metrics.sock')}`]
    const options = [...metrics, '--port', '0', '--server-root', root, '--setenv', 'SEEN', seen, '--graceful-timeout', '2s']
    const launched = new Launched(['start-server', 'wsgi.mjs', ...options, ...args], { ...launch, cwd: directory })
    return new Scene(launched, await launched.ready(), root, seen)
  }

  get socket(): string {
    return join(this.root, 'tsgi.sock')
  }

  get log(): string {
    return readFileSync(join(this.root, 'error.log'), 'utf8')
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return get(`${this.url.replace(/\/$/, '')}${path}`, headers)
  }

  /** A request that never ends; resolves to the pid that serves it. */
  async held(): Promise<{ pid: number; answer: Promise<Answer> }> {
    writeFileSync(this.#seen, '')
    const answer = this.get('/wait')
    answer.catch(() => {})
    await until(() => readFileSync(this.#seen, 'utf8') !== '', 'the request at a worker')
    return { pid: Number(readFileSync(this.#seen, 'utf8')), answer }
  }

  /** What Prometheus would read. */
  async metrics(): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: join(this.root, 'metrics.sock'), path: '/metrics' }, (answer) => {
        let text = ''
        answer
          .setEncoding('utf8')
          .on('data', (chunk: string) => (text += chunk))
          .on('end', () => resolve(text))
      })
      outgoing.on('error', reject).end()
    })
  }

  /** The one line that explains the request with this id. */
  async explained(id: string): Promise<string> {
    const lines = (): string[] =>
      this.log.split('\n').filter((line) => line.includes(`[${id}]`) && / error \[\d+\] TSGI_ERR_/.test(line))
    await until(() => lines().length > 0, `the line on ${id} in:\n${this.log}`)
    return lines().join('\n')
  }
}

/** The id that the client has seen: in a field and, where there is a page of the proxy's, in that. */
export function idOf({ headers, body }: Answer): string {
  const id = headers['x-request-id']
  if (typeof id !== 'string') throw new Error(`no id in ${JSON.stringify(headers)} ${body}`)
  return id
}
