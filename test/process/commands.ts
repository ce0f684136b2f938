import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { temporaryDirectory } from './served.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** An application that answers with its variables A, B and C. */
export const APPLICATION = `exports.application = async (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return [['A', 'B', 'C'].map((name) => process.env[name] ?? '-').join(' ')]
}
`

/** A directory that holds these files, and where `tsgi` is installed. Gone when the test ends. */
export function project(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(CHECKOUT, join(directory, 'node_modules/tsgi'))
  for (const [name, text] of Object.entries(files)) write(directory, name, text)
  return directory
}

export function write(directory: string, name: string, text: string): void {
  mkdirSync(dirname(join(directory, name)), { recursive: true })
  writeFileSync(join(directory, name), text)
}

export interface Done {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that ends by itself: `tsgi serve …` or `tsgi-express start-server …`. */
export async function run(
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): Promise<Done> {
  const [program = '', ...rest] = args
  const child = spawn(process.execPath, [join(CHECKOUT, `dist/cli/${program}.js`), ...rest], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { PATH: process.env.PATH, NO_COLOR: '1', ...options.env },
    timeout: 15_000,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}

/** What `--print-config=json` says of some keys: value and source. */
export async function printed(
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): Promise<Record<string, { value: unknown; source: string }>> {
  const { code, stdout, stderr } = await run([...args, '--print-config=json'], options)
  if (code !== 0) throw new Error(stderr)
  // The command's own output, whose parts the test compares.
  return JSON.parse(stdout) as Record<string, { value: unknown; source: string }>
}
