import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { RequestOptions } from 'node:https'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

import { until } from '../support/until.ts'
import { temporaryDirectory } from '../process/served.ts'

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** The text of a TSGI application that answers with `answer`, which is an expression. */
export function application(answer: string, before = ''): string {
  return `${before}
export const application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return ${answer}
}
`
}

/** A directory with the files, gone when the test ends. ES modules, unless a package.json is among them. */
export function project(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory()
  change(directory, { 'package.json': '{"type":"module"}', ...files })
  return directory
}

export function change(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
}

/** A running `tsgi dev` on a free port, and what it writes. Killed when the test ends, if it still lives. */
export class Developed {
  readonly child: ChildProcess
  readonly temporary: string
  /** Standard output and error as they came. */
  output = ''
  /** Exit code or the name of the signal. */
  readonly ended: Promise<number | string>

  constructor(directory: string, args: readonly string[] = ['app.js'], env: Readonly<Record<string, string>> = {}) {
    const port = args.includes('--bind') || args.includes('--port') ? [] : ['--port', '0']
    // Whoever is killed leaves the directory of its sockets.
    this.temporary = temporaryDirectory()
    this.child = spawn(process.execPath, [COMMAND, 'dev', ...args, ...port], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory, TMPDIR: this.temporary, ...env },
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
    // `close` rather than `exit`: all output has arrived by then.
    this.ended = once(this.child, 'close').then(([code, signal]) => (typeof code === 'number' ? code : String(signal)))
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.ended
    })
  }

  /** Resolves when the output matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null
    let ended: number | string | undefined
    void this.ended.then((how) => (ended = how))
    await until(() => (match = pattern.exec(this.output)) !== null || ended !== undefined, `${String(pattern)}`, 15_000).catch(
      (error: unknown) => {
        throw new Error(`${String(error)} in:\n${this.output}`)
      },
    )
    // Assigned in the callback, which the compiler does not follow.
    const found = match as RegExpExecArray | null
    if (found === null) throw new Error(`ended with ${String(ended)} before ${String(pattern)}:\n${this.output}`)
    return found
  }

  /** The URL, without a slash at its end, once the first worker serves. */
  async ready(): Promise<string> {
    await this.until(/^Ready after/m)
    return this.url()
  }

  async url(): Promise<string> {
    const [, url = ''] = await this.until(/^URL +: (\S+?)\/?$/m)
    return url
  }

  /** Writes files, and resolves when the server has reloaded, or failed, for the nth time. */
  async changed(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
    const count = (): number => this.output.match(/^(?:Reloaded in|Does not load)/gm)?.length ?? 0
    const before = count()
    change(directory, files)
    await until(() => count() > before, `a reload in:\n${this.output}`)
  }
}

/** One HTTP request on a connection of its own. `target`: a URL without its path, or the path of a unix socket. */
export function ask(target: string, path = '/', options: RequestOptions & { body?: string } = {}): Promise<Answer> {
  const { body, ...rest } = options
  const where = target.startsWith('/') ? { socketPath: target, path } : { ...urlOptions(target), path }
  return new Promise((resolve, reject) => {
    const request = target.startsWith('https:') ? requestHttps : requestHttp
    const outgoing = request({ ...where, agent: false, ...rest }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
      response.on('error', reject)
    })
    outgoing.on('error', reject).end(body)
  })
}

function urlOptions(url: string): RequestOptions {
  const { hostname, port } = new URL(url)
  return { host: hostname.replaceAll(/[[\]]/g, ''), port }
}
