import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { serve } from '../../src/index.ts'
import { Request, sendFromDirectory } from '../../src/toolkit/index.ts'
import { Exchange, type Wire } from '../wire/exchange.ts'

const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Whole buffers, one byte more or less, and much less. */
const SIZES = [32 * 1024 + 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1_000_003, 3 * 1024 * 1024]
const FILES = SIZES.map((size) => ({ name: `${size}.bin`, bytes: randomBytes(size) }))
for (const { name, bytes } of FILES) writeFileSync(join(folder, name), bytes)

async function started(): Promise<{ type: 'unix'; path: string }> {
  const path = join(mkdtempSync(join(folder, 's')), 'app.sock')
  const application = Request.application((request) => sendFromDirectory(request, folder, request.path.slice(1)))
  const server = await serve({ application, bind: `unix:${path}` })
  onTestFinished(() => server.close())
  return { type: 'unix', path }
}

it.each<Wire>(['fastcgi', 'uwsgi', 'scgi', 'http'])(
  'files are whole over %s, whoever else is served from the same memory, and however slowly they are read',
  async (wire) => {
    const address = await started()
    const hashed = async (name: string, slowly: boolean): Promise<string> => {
      const hash = createHash('sha256')
      const request = { method: 'GET', target: `/${name}`, headers: [['Host', 'localhost']] as [string, string][] }
      const exchange = await Exchange.begin(address, wire, request, {
        keepBody: false,
        onBody: (bytes) => void hash.update(bytes),
      })
      await exchange.endBody()
      // By then all of it that somebody takes has left the server's hands, and the rest waits.
      if (slowly) await new Promise((resolve) => setTimeout(resolve, 100))
      const { status, state } = await exchange.answer()
      exchange.leave()
      expect([status, state]).toEqual([200, 'complete'])
      return hash.digest('hex')
    }
    for (let round = 0; round < 3; round += 1) {
      const all = FILES.flatMap(({ name, bytes }) => {
        const expected = createHash('sha256').update(bytes).digest('hex')
        return [true, false].map(async (slowly) => expect(await hashed(name, slowly), name).toBe(expected))
      })
      await Promise.all(all)
    }
  },
)

it.each<Wire>(['fastcgi', 'uwsgi', 'http'])(
  'a file that gets shorter while it is sent is a response that is broken off: %s',
  async (wire) => {
    const address = await started()
    const file = join(folder, 'shrinks.bin')
    writeFileSync(file, '')
    // More than can be on its way: the rest is read later.
    truncateSync(file, 256 * 1024 * 1024)
    const request = { method: 'GET', target: '/shrinks.bin', headers: [['Host', 'localhost']] as [string, string][] }
    const exchange = await Exchange.begin(address, wire, request, {
      keepBody: false,
      onBody: () => truncateSync(file, 0),
    })
    await exchange.endBody()
    const { state, appStatus } = await exchange.answer()
    // FastCGI has a status for it; the proxy sees by Content-Length that something is missing.
    if (wire === 'fastcgi') expect(appStatus).toBe(1)
    else expect(state).toBe('broken')
    exchange.leave()
  },
)
