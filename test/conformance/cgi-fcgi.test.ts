import { spawn } from 'node:child_process'
import { expect, it } from 'vitest'
import { application as bodyDigest } from '../fixtures/apps/body-digest.ts'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as throwsAfterHeaders } from '../fixtures/apps/throws-after-headers.ts'
import { findExecutable, requires } from '../support/requirements.ts'
import { pattern } from '../wire/bytes.ts'
import { createHash } from 'node:crypto'
import { DIRECT_WAYS, over, type Bench } from './bench.ts'

/** Runs libfcgi's own client: its environment is the params, its standard input the body, appStatus its exit code. */
function cgiFcgi(
  bench: Bench,
  variables: Record<string, string>,
  body: Uint8Array,
): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    if (bench.serverAddress.type !== 'unix') throw new Error('a unix socket')
    const child = spawn(findExecutable('cgi-fcgi') ?? 'cgi-fcgi', ['-bind', '-connect', bench.serverAddress.path], {
      env: { REQUEST_URI: '/libfcgi?x=y', SERVER_NAME: 'tsgi.test', ...variables },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const pieces: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(pieces).toString('latin1') }))
    child.stdin.on('error', () => {})
    child.stdin.end(body)
  })
}

requires('cgi-fcgi').describe("libfcgi's client", () => {
  over(
    DIRECT_WAYS.filter(({ wire }) => wire === 'fastcgi'),
    'cgi-fcgi',
    (bench) => {
      it('gets the response to a GET', async () => {
        bench.use((environ, startResponse) => {
          startResponse('201 Created', [['X-Path', environ.PATH_INFO]])
          return [environ.QUERY_STRING]
        })
        const { code, stdout } = await cgiFcgi(bench, { REQUEST_METHOD: 'GET' }, new Uint8Array(0))
        expect(code).toBe(0)
        expect(stdout).toBe('Status: 201 Created\r\nX-Path: /libfcgi\r\nContent-Length: 3\r\n\r\nx=y')
      })

      it('gets its body back', async () => {
        bench.use(echoBody)
        const { code, stdout } = await cgiFcgi(bench, { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '5' }, Buffer.from('hello'))
        expect(code).toBe(0)
        expect(stdout).toMatch(/\r\n\r\nhello$/)
      })

      it('streams a body of 1 MB', async () => {
        bench.use(bodyDigest)
        const body = pattern(1_000_000)
        const { code, stdout } = await cgiFcgi(bench, { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '1000000' }, body)
        expect(code).toBe(0)
        expect(stdout).toMatch(new RegExp(`1000000 ${createHash('sha256').update(body).digest('hex')}$`))
      })

      it('notices a response that is given up', async () => {
        bench.use(throwsAfterHeaders)
        const { code } = await cgiFcgi(bench, { REQUEST_METHOD: 'GET' }, new Uint8Array(0))
        expect(code).not.toBe(0)
      })
    },
  )
})
