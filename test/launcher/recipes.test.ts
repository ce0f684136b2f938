import { execFile } from 'node:child_process'
import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

import { freePort } from '../proxy/running-nginx.ts'
import { requires } from '../support/requirements.ts'
import { Launched } from './launched.ts'
import { script, temporaryDirectory } from './temporary.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(checkout, 'docs/recipes.md'), 'utf8')

const PROXIES = [
  ['nginx', 'nginx'],
  ['apache', 'apache2'],
] as const

interface Step {
  readonly command: string
  readonly output: string
}

interface Recipe {
  readonly title: string
  /** The server type that it is for; undefined: each. */
  readonly only: string | undefined
  readonly steps: readonly Step[]
}

/** The sections of the page that have commands. A line that begins with `$ ` is one, the lines behind it are what it prints. */
function recipes(): Recipe[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const block = /```console\n([^]*?)```/.exec(section)?.[1] ?? ''
      const steps = block
        .split(/^\$ /m)
        .slice(1)
        .map((text) => {
          const [command = '', ...lines] = text.split('\n')
          return { command, output: lines.join('\n') }
        })
      return { title: section.split('\n', 1)[0] ?? '', only: /<!-- (nginx|apache) -->/.exec(section)?.[1], steps }
    })
    .filter(({ steps }) => steps.length > 0)
}

/** Types the commands one after the other, in a directory with the examples and with free ports. */
async function follow({ steps }: Recipe, serverType: string): Promise<void> {
  const directory = temporaryDirectory()
  cpSync(join(checkout, 'examples'), join(directory, 'examples'), { recursive: true })
  chmodSync(directory, 0o755)
  script(directory, 'tsgi-express', `exec "${process.execPath}" "${join(checkout, 'dist/cli/tsgi-express.js')}" "$@"`)
  const ports = new Map<string, number>()
  for (const shown of ['8000', '8443']) ports.set(shown, await freePort())
  const real = (text: string): string => text.replace(/\b(?:8000|8443)\b/g, (shown) => String(ports.get(shown)))
  const env = { TSGI_SERVER_TYPE: serverType, TSGI_PORT: String(ports.get('8000')) }
  for (const { command, output } of steps) {
    if (command.startsWith('tsgi-express start-server') && output === '') {
      const server = new Launched(splitWords(real(command)).slice(1), { cwd: directory, env })
      await server.ready()
      continue
    }
    const path = `${directory}:${process.env.PATH ?? ''}`
    const done = await promisify(execFile)('sh', ['-c', real(command)], {
      cwd: directory,
      env: { ...process.env, ...env, PATH: path },
    }).catch((error: { stdout: string; stderr: string }) => error)
    expect(`${done.stdout}${done.stderr}`.replaceAll('\r', ''), command).toBe(real(output))
  }
}

/** The page's commands quote nothing. */
function splitWords(command: string): string[] {
  return command.split(' ')
}

describe.each(PROXIES)('the recipes behind %s', (serverType, program) => {
  requires(program, 'dist', 'curl', 'openssl').describe('work as they are written', () => {
    for (const recipe of recipes().filter(({ only }) => only === undefined || only === serverType)) {
      if (recipe.title.startsWith('As root')) requires('root').test(`${recipe.title}`, () => follow(recipe, serverType))
      else it(`${recipe.title}`, () => follow(recipe, serverType))
    }
  })
})

it('are there', () => {
  expect(recipes().length).toBeGreaterThan(7)
})
