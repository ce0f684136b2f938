import { existsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const PROCESSES = 6

/** Tells who answers. `/exit` ends its worker; `/exit-once` does where no file says that one has done it. */
const APP = `
import { existsSync, writeFileSync } from 'node:fs'
export default (req, res) => {
  if (req.url === '/exit') process.exit(3)
  if (req.url === '/exit-once' && !existsSync(process.env.ONCE)) {
    writeFileSync(process.env.ONCE, '')
    process.exit(3)
  }
  if (req.url === '/auth') return void res.writeHead(204).end()
  if (req.method !== 'PUT') return void setTimeout(() => res.end(String(process.pid)), 20)
  let length = 0
  req.on('data', (chunk) => (length += chunk.length)).on('end', () => res.end(String(length)))
}
`

/** The server, whose proxy has kept connections to many workers. */
async function started(wire: string, more: readonly string[] = []): Promise<{ launched: Launched; url: string; once: string }> {
  const directory = temporaryDirectory()
  const once = join(directory, 'once')
  writeFileSync(join(directory, 'app.mjs'), APP)
  const args = ['start-server', 'app.mjs', '--port', '0', '--server-type', 'nginx', '--wire', wire, ...more]
  const launched = new Launched([...args, '--processes', String(PROCESSES), '--setenv', 'ONCE', once], { cwd: directory })
  const url = await launched.ready()
  const seen = new Set<string>()
  while (seen.size < PROCESSES - 2) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => get(url)))
    for (const { body } of answers) seen.add(body)
  }
  return { launched, url, once }
}

const send = (url: string, method: string, body?: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => {
        if (method === 'PUT') expect(Number(text)).toBe(body?.length)
        resolve(answer.statusCode ?? 0)
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })

requires('nginx', 'dist', 'proc').describe('a request that ends its worker', () => {
  describe.each(['fastcgi', 'http'])('over %s', (wire) => {
    it('ends one more at most, and a POST no other one', async () => {
      const { launched, url } = await started(wire)
      const workers = launched.workers()
      const gone = (): number => workers.filter((pid) => !launched.survivors().includes(pid)).length
      expect(await send(`${url}exit`, 'POST', 'x')).toBe(502)
      await until(() => gone() === 1, 'the end of a worker')
      expect(await send(`${url}exit`, 'GET')).toBe(502)
      await until(() => gone() >= 2, 'the end of another one')
      expect((await get(url)).status).toBe(200)
      expect(gone()).toBeLessThanOrEqual(3)
    })

    it('is answered by another worker where that is well', async () => {
      const { url, once } = await started(wire)
      expect(await send(`${url}exit-once`, 'GET')).toBe(200)
      expect(existsSync(once)).toBe(true)
    })

    it('is answered by another one where the application was asked who may come in, behind files, with its whole body', async () => {
      // More than nginx holds in memory.
      const { url, once } = await started(wire, ['--auth-url', '/auth', '--document-root', temporaryDirectory()])
      expect(await send(`${url}exit-once`, 'PUT', 'x'.repeat(300_000))).toBe(200)
      expect(existsSync(once)).toBe(true)
    })
  })
})
