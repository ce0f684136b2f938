import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'

import { freePort } from '../proxy/running-nginx.ts'
import { until } from '../support/until.ts'
import { Launched } from './launched.ts'
import { script, temporaryDirectory } from './temporary.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** A file that the reader writes: a code block that begins with its name in a comment. */
export interface WrittenFile {
  readonly name: string
  readonly text: string
}

/** A line of a console block that begins with `$ `, and what is shown behind it. */
export interface Command {
  readonly command: string
  readonly output: string
}

/** The part of a page below one heading. */
export interface Section {
  readonly title: string
  readonly prose: string
  /** In their order. */
  readonly steps: readonly (WrittenFile | Command)[]
}

/** The sections of a page that have something to do in them. */
export function sectionsOf(page: string): Section[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((prose) => {
      const blocks = [...prose.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
      const steps = blocks.flatMap(([, language, text = '']): (WrittenFile | Command)[] =>
        language === 'console' ? commandsOf(text) : filesOf(text),
      )
      return { title: prose.split('\n', 1)[0] ?? '', prose, steps }
    })
    .filter(({ steps }) => steps.length > 0)
}

function commandsOf(text: string): Command[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((lines) => {
      const [command = '', ...output] = lines.split('\n')
      return { command, output: output.join('\n') }
    })
}

function filesOf(text: string): WrittenFile[] {
  const name = /^(?:\/\/|#) ([\w.-]+\.\w+)\n/.exec(text)?.[1]
  return name === undefined ? [] : [{ name, text }]
}

/** A directory as `npm init` and `npm install` leave it, removed when the test ends. */
export function packageDirectory(): string {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n')
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(checkout, join(directory, 'node_modules/tsgi'))
  return directory
}

export interface WalkOptions {
  readonly env?: Readonly<Record<string, string>>
  /** The Node that runs it all; that of the tests when left out. */
  readonly node?: string
}

/** Addresses that pages show. Each walk has free ones in their place. */
const SHOWN_PORTS = /\b(?:8000|8443)\b/g

/** Somebody who does what a page says, in a directory. */
export class Walk {
  readonly #directory: string
  readonly #node: string
  readonly #ports: ReadonlyMap<string, string>
  readonly #env: Readonly<Record<string, string>>
  /** The one that has been started last. */
  #server: Launched | undefined

  private constructor(directory: string, ports: ReadonlyMap<string, string>, { env = {}, node = process.execPath }: WalkOptions) {
    this.#directory = directory
    this.#node = node
    this.#ports = ports
    // What the development server keeps for the user belongs to the walk.
    this.#env = { TSGI_PORT: ports.get('8000') ?? '', HOME: directory, XDG_CONFIG_HOME: join(directory, '.config'), ...env }
    for (const [name, file] of [
      ['tsgi', 'main.js'],
      ['tsgi-express', 'tsgi-express.js'],
    ] as const) {
      script(directory, name, `exec "${node}" "${join(checkout, 'dist/cli', file)}" "$@"`)
    }
    script(directory, 'node', `exec "${node}" "$@"`)
  }

  static async begin(directory: string, options: WalkOptions = {}): Promise<Walk> {
    const ports = new Map<string, string>()
    for (const shown of ['8000', '8443']) ports.set(shown, String(await freePort()))
    return new Walk(directory, ports, options)
  }

  async follow({ steps }: Section): Promise<void> {
    for (const step of steps) {
      if ('name' in step) await this.write(step)
      else if (/^(?:tsgi dev|tsgi serve|tsgi-express start-server) /.test(step.command)) await this.#start(step)
      else await this.#type(step)
    }
  }

  /** Saves a file, and waits for a development server that looks at it. */
  async write({ name, text }: WrittenFile): Promise<void> {
    const reloads = (): number => this.#server?.stdout.match(/^Reloaded in/gm)?.length ?? 0
    const before = reloads()
    writeFileSync(join(this.#directory, name), this.#real(text))
    if (this.#server !== undefined) await until(() => reloads() > before, `a reload for ${name} in:\n${this.#server.stdout}`)
  }

  async #start({ command, output }: Command): Promise<void> {
    // As with Ctrl-C, before the next one is typed.
    this.#server?.child.kill('SIGINT')
    await this.#server?.exited
    // The pages' commands quote nothing.
    const [program, ...args] = this.#real(command).split(' ')
    const server = new Launched(args, {
      // One of the two, as it is asked for above.
      program: program as 'tsgi' | 'tsgi-express',
      node: this.#node,
      cwd: this.#directory,
      env: this.#env,
    })
    this.#server = server
    let hasEnded = false
    void server.exited.then(() => (hasEnded = true))
    await until(() => hasEnded || /^Ready\b.*\n/m.test(server.stdout), `${command} in:\n${server.stdout}${server.stderr}`, 20_000)
    server.remember()
    if (hasEnded) expect(`${server.stdout}${server.stderr}`, command).toBe(this.#real(output))
    // Requests are shown behind it.
    else expect(server.stdout, command).toMatch(this.#pattern(output, ''))
  }

  async #type({ command, output }: Command): Promise<void> {
    const done = await promisify(execFile)('sh', ['-c', this.#real(command)], {
      cwd: this.#directory,
      env: { ...process.env, ...this.#env, PATH: `${this.#directory}:${process.env.PATH ?? ''}` },
    }).catch((error: { stdout: string; stderr: string }) => error)
    const shown = `${done.stdout}${done.stderr}`.replaceAll('\r', '')
    if (output.includes('…')) expect(shown, command).toMatch(this.#pattern(output, '$'))
    else expect(shown, command).toBe(this.#real(output))
  }

  #real(text: string): string {
    return text.replace(SHOWN_PORTS, (shown) => this.#ports.get(shown) ?? shown)
  }

  /** `…` is anything in a line; a line of it alone is any number of lines. */
  #pattern(output: string, end: '$' | ''): RegExp {
    const escaped = this.#real(output).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    return new RegExp(`^${escaped.replace(/^…\n/gm, '(?:.*\n)*?').replaceAll('…', '.+')}${end}`)
  }
}
