import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { makeCertificate } from '../support/certificates.ts'
import { requires } from '../support/requirements.ts'
import { expectConfined } from './confined.ts'
import { inspected } from './docker.ts'
import { applicationDirectory, eject } from './ejected.ts'
import { ask, startLoad, told } from './load.ts'
import { startStack } from './stack.ts'
import type { Stack } from './stack.ts'

interface Kind {
  readonly server: string
  readonly proxy: RegExp
  readonly options: readonly string[]
}

const KINDS: readonly Kind[] = [
  { server: 'nginx', proxy: /^nginx\/1\./, options: ['--https-port', '8443'] },
  // Over FastCGI httpd may send a request on a connection that is being closed: docs/operation.md.
  { server: 'apache', proxy: /^Apache\b/, options: ['--server-type', 'apache', '--wire', 'uwsgi', '--https-port', '8443'] },
]

/** What the server says over TLS, whoever signed its certificate. */
function askSecurely(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false, headers: { host: 'localhost' } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.once('end', () => resolve(text))
    }).once('error', reject)
  })
}

requires('engine', 'dist', 'openssl', 'full').describe('a proxy and the application at one socket, as ejected', () => {
  describe.each(KINDS)('$server', ({ server, proxy, options }) => {
    let directory: string
    let stack: Stack

    beforeAll(async () => {
      directory = applicationDirectory()
      mkdirSync(join(directory, 'tls'))
      const { certificate, key } = makeCertificate(join(directory, 'tls'), 'cert')
      // User 1000 of the container is nobody here.
      for (const path of [certificate, key]) chmodSync(path, 0o644)
      const tls = ['--ssl-certificate-file', 'tls/cert.pem', '--ssl-certificate-key-file', 'tls/cert.key']
      eject(directory, 'compose', ...options, ...tls, '--url-alias', '/static', 'static')
      stack = await startStack(directory, server, 8443)
    }, 240_000)

    afterAll(async () => {
      await stack?.down()
      rmSync(directory, { recursive: true, force: true })
    }, 60_000)

    it('serves the application through the proxy, and files by the proxy alone', async () => {
      const answer = told(await ask(`${stack.url}/x`, { method: 'POST', body: 'a body' }))
      expect(answer).toMatchObject({ method: 'POST', path: '/x', body: 'a body', scheme: 'http' })
      expect(answer.proxy).toMatch(proxy)
      const file = await ask(`${stack.url}/static/hello.txt`)
      expect(file).toMatchObject({ status: 200, body: 'A file of the proxy.\n' })
      expect(file.headers['last-modified']).toBeDefined()
    })

    it('speaks TLS with the certificate from a secret', async () => {
      expect(JSON.parse(await askSecurely(`${stack.httpsUrl}/s`))).toMatchObject({ path: '/s', scheme: 'https' })
    })

    it('has no rights beyond those of user 1000', async () => {
      for (const { id } of await stack.containers()) await expectConfined(id)
    })

    it('loses no request when a version follows the last', async () => {
      const [before] = await stack.containers('app')
      const load = startLoad(stack.url)
      writeFileSync(join(directory, 'version.txt'), 'two')
      await stack.rollout()
      const after = await stack.containers('app')
      expect(told(await ask(stack.url)).version).toBe('two')
      await load.stop()
      await stack.expectNoFailures(load)
      expect(load.versions).toEqual(new Set(['one', 'two']))
      expect(after).toHaveLength(1)
      expect(after[0]?.id).not.toBe(before?.id)
    }, 120_000)

    it('finishes a slow request within the grace time of a stop, and ends with 0', async () => {
      const containers = await stack.containers()
      const slow = ask(`${stack.url}/?ms=2500`)
      await new Promise((resolve) => setTimeout(resolve, 500))
      await stack.compose('stop')
      expect(told(await slow).version).toBe('two')
      for (const { id } of containers) expect(await inspected(id, '.State.ExitCode')).toBe('0')
    }, 60_000)
  })
})
