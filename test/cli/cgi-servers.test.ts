import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLighttpd } from '../support/lighttpd.ts'
import { accepts, freePort } from '../support/nginx.ts'
import { findExecutable, requires } from '../support/requirements.ts'
import { pattern } from '../wire/bytes.ts'
import { exchange, type Answer } from '../wire/exchange.ts'
import type { WireRequest } from '../wire/request.ts'
import { TSGI } from './cgi-command.ts'

/** A web server that starts programs of a directory. */
interface CgiServer {
  readonly port: number
  errorLog(): Promise<string>
  stop(): Promise<void>
}

const PROGRAMS: Readonly<Record<string, string>> = {
  'environ.mjs': `export const application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'application/json'], ['Set-Cookie', 'a=b'], ['Set-Cookie', 'c=d'], ['X-Latin', 'caf\\xe9']])
  const plain = Object.fromEntries(Object.entries(environ).filter(([, value]) => typeof value !== 'object' && typeof value !== 'function'))
  return [JSON.stringify({ environ: plain, argv: process.argv.slice(2), proxy: process.env.HTTP_PROXY })]
}
`,
  'echo.mjs': `export default async (req, res) => {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  res.setHeader('Content-Type', 'application/octet-stream')
  res.end(Buffer.concat(chunks))
}
`,
  'teapot.mjs': `export const application = (environ, startResponse) => { startResponse('418 Short and Stout', []); return ['tea'] }\n`,
  'throws.mjs': `export const application = () => { throw new Error('a reason for the log') }\n`,
  'broken.mjs': `export const = 1\n`,
  'prints.mjs': `console.log('printed by the application')
export default { fetch: (request) => new Response(new URL(request.url).pathname) }
`,
}

/** A directory of programs, each with a line that makes `tsgi cgi` its interpreter, which anybody may run. */
function programs(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsgi-cgi-bin-'))
  for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(join(directory, name), `#!/usr/bin/env -S tsgi cgi\n${text}`)
  writeFileSync(join(directory, 'tsgi'), `#!/bin/sh\nexec "${process.execPath}" "${TSGI}" "$@"\n`)
  for (const name of ['', 'tsgi', ...Object.keys(PROGRAMS)]) chmodSync(join(directory, name), 0o755)
  return directory
}

/** httpd with one of its two modules for CGI: one starts programs from its processes, the other from a process for that. */
async function startApache(module: 'cgi' | 'cgid', bin: string): Promise<CgiServer> {
  const directory = mkdtempSync(join(tmpdir(), 'tsgi-httpd-'))
  chmodSync(directory, 0o755)
  const port = await freePort()
  const load = (name: string): string => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
  const lines = [
    `ServerRoot ${directory}`,
    `Listen 127.0.0.1:${port}`,
    'ServerName tsgi.test',
    `PidFile ${directory}/httpd.pid`,
    `DefaultRuntimeDir ${directory}`,
    `ErrorLog ${directory}/error.log`,
    ...[`mpm_${module === 'cgi' ? 'prefork' : 'event'}`, 'authz_core', 'alias', 'env', module].map(load),
    ...(module === 'cgid' ? [`ScriptSock ${directory}/cgi.sock`] : []),
    ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
    'AllowEncodedSlashes On',
    `SetEnv PATH ${bin}:${process.env.PATH}`,
    `ScriptAlias /cgi-bin/ ${bin}/`,
    `<Directory ${bin}>`,
    '  Require all granted',
    '</Directory>',
  ]
  writeFileSync(join(directory, 'httpd.conf'), `${lines.join('\n')}\n`)
  const executable = findExecutable('apache2') ?? 'apache2'
  const child = spawn(executable, ['-f', join(directory, 'httpd.conf'), '-DFOREGROUND'], {
    stdio: 'ignore',
    // The prefork MPM ends its whole process group, which would be the test's.
    detached: true,
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const errorLog = (): Promise<string> => readFile(join(directory, 'error.log'), 'utf8')
  await Promise.race([accepts(port, child), exited.then(async () => Promise.reject(new Error(await errorLog())))])
  return {
    port,
    errorLog,
    async stop() {
      child.kill('SIGTERM')
      await exited
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function startLighttpdWithCgi(bin: string): Promise<CgiServer> {
  return startLighttpd(() => [
    'server.modules = ( "mod_alias", "mod_cgi", "mod_setenv" )',
    `alias.url = ( "/cgi-bin/" => "${bin}/" )`,
    `setenv.set-environment = ( "PATH" => "${bin}:${process.env.PATH}" )`,
    '$HTTP["url"] =^ "/cgi-bin/" { cgi.assign = ( ".mjs" => "" ) }',
  ])
}

const SERVERS: Record<string, { program: 'apache2' | 'lighttpd'; start: (bin: string) => Promise<CgiServer> }> = {
  'Apache, mod_cgid': { program: 'apache2', start: (bin) => startApache('cgid', bin) },
  'Apache, mod_cgi': { program: 'apache2', start: (bin) => startApache('cgi', bin) },
  'lighttpd, mod_cgi': { program: 'lighttpd', start: startLighttpdWithCgi },
}

describe('tsgi cgi, started by', () => {
  for (const [name, { program, start }] of Object.entries(SERVERS)) {
    requires(program).describe(name, () => {
      let bin = ''
      let server: CgiServer
      beforeAll(async () => {
        bin = programs()
        server = await start(bin)
      })
      afterAll(async () => {
        await server.stop()
        rmSync(bin, { recursive: true, force: true })
      })
      const send = (request: WireRequest): Promise<Answer> =>
        exchange({ type: 'tcp', host: '127.0.0.1', port: server.port }, 'http', {
          ...request,
          headers: [...(request.headers ?? []), ['Connection', 'close']],
        })

      it('answers with status, fields and body', async () => {
        const answer = await send({
          target: '/cgi-bin/environ.mjs/a%2Fb//c?x=1&y=%20',
          headers: [['Proxy', 'http://evil.test/']],
        })
        expect({ status: answer.status, problem: answer.problem }).toEqual({ status: 200, problem: undefined })
        expect(answer.all('set-cookie')).toEqual(['a=b', 'c=d'])
        expect(answer.all('x-latin')).toEqual(['caf\xe9'])
        const { environ, argv, proxy } = JSON.parse(answer.text) as {
          environ: Record<string, unknown>
          argv: string[]
          proxy?: string
        }
        expect(environ).toMatchObject({
          REQUEST_METHOD: 'GET',
          REQUEST_URI: '/cgi-bin/environ.mjs/a%2Fb//c?x=1&y=%20',
          SCRIPT_NAME: '/cgi-bin/environ.mjs',
          PATH_INFO: '/a/b//c',
          QUERY_STRING: 'x=1&y=%20',
          REMOTE_ADDR: '127.0.0.1',
          'tsgi.run_once': true,
        })
        expect(proxy).toBeUndefined()
        expect(environ).not.toHaveProperty('HTTP_PROXY')
        expect(argv).toEqual([])
      })

      it('is told no options by a query without "="', async () => {
        const answer = await send({ target: '/cgi-bin/environ.mjs?--interface+fetch+--help' })
        expect(answer.status).toBe(200)
        expect((JSON.parse(answer.text) as { argv: string[] }).argv).toEqual([])
      })

      it.each([10, 1_000_000])(
        'carries a body of %d bytes to a Node application and back, with a length and in chunks',
        async (length) => {
          const body = pattern(length)
          for (const request of [{ body }, { body, length: 'chunked' as const }]) {
            const answer = await send({ method: 'POST', target: '/cgi-bin/echo.mjs', ...request })
            expect(answer.status).toBe(200)
            expect(Buffer.compare(answer.body, body)).toBe(0)
          }
        },
      )

      it('passes on a status of its own, and HEAD without a body', async () => {
        const answer = await send({ target: '/cgi-bin/teapot.mjs' })
        expect({ status: answer.status, text: answer.text }).toEqual({ status: 418, text: 'tea' })
        const head = await send({ method: 'HEAD', target: '/cgi-bin/teapot.mjs' })
        expect({ status: head.status, text: head.text }).toEqual({ status: 418, text: '' })
      })

      it('keeps what is printed out of the response of a fetch application', async () => {
        const answer = await send({ target: '/cgi-bin/prints.mjs/here' })
        expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: '/here' })
      })

      it('is a 500 where the application fails or cannot be loaded, and the log of the server has the reason', async () => {
        expect(await send({ target: '/cgi-bin/throws.mjs' })).toMatchObject({ status: 500 })
        expect(await send({ target: '/cgi-bin/broken.mjs' })).toMatchObject({ status: 500 })
        const log = await server.errorLog()
        expect(log).toContain('a reason for the log')
        expect(log).toContain('TSGI_ERR_APP_LOAD')
      })
    })
  }
})
