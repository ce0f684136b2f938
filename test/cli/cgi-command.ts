import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** What `tsgi` of the package is. */
export const TSGI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface CgiRun {
  readonly code: number | null
  /** latin-1: a character a byte. */
  readonly stdout: string
  readonly stderr: string
}

export interface CgiRequest {
  readonly cwd: string
  readonly variables?: Readonly<Record<string, string>>
  /** Written to standard input, which is left open behind it unless `endInput`. */
  readonly body?: Uint8Array
  readonly endInput?: boolean
}

/** The files in a directory of their own, gone when the test ends. */
export function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsgi-cgi-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

/** Runs `tsgi cgi` as a web server does. */
export async function runCgi(args: readonly string[], { cwd, variables, body, endInput = false }: CgiRequest): Promise<CgiRun> {
  const child = spawn(process.execPath, [TSGI, 'cgi', ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...variables },
    timeout: 15_000,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {})
  if (body !== undefined) child.stdin.write(body)
  if (endInput) child.stdin.end()
  await once(child, 'close')
  child.stdin.destroy()
  return { code: child.exitCode, stdout, stderr }
}

/** The variables of a request. */
export function request(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_METHOD: 'GET',
    REQUEST_URI: '/cgi-bin/app.mjs/a%2Fb?x=1',
    SCRIPT_NAME: '/cgi-bin/app.mjs',
    PATH_INFO: '/a/b',
    QUERY_STRING: 'x=1',
    SERVER_NAME: 'tsgi.test',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REMOTE_ADDR: '192.0.2.7',
    HTTP_HOST: 'tsgi.test',
    ...more,
  }
}
