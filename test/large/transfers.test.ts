import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { blocks } from '../fixtures/apps/large-transfers.ts'
import { startNginx, type NginxOptions, type RunningNginx } from '../support/nginx.ts'
import { requires } from '../support/requirements.ts'
import type { WireAddress } from '../wire/connection.ts'
import { exchange, Exchange } from '../wire/exchange.ts'
import { residentBytes, resetPeak } from './process-memory.ts'
import { serveBuilt, type ServedApp } from './served-app.ts'

const MB = 1_000_000
const LARGE_BYTES = 200 * MB

/** What the server's memory may grow by at most, bytes: 48 MiB. */
const GROWTH_BYTES = 48 * 1024 * 1024

const PATIENCE_MS = 120_000

const SETUPS: Pick<NginxOptions, 'wire' | 'requestBuffering' | 'buffering'>[] = [
  { wire: 'fastcgi' },
  { wire: 'uwsgi' },
  { wire: 'fastcgi', requestBuffering: false, buffering: false },
  { wire: 'uwsgi', requestBuffering: false, buffering: false },
]

for (const setup of SETUPS) {
  const title = `200 MB through nginx over ${setup.wire}, ${setup.buffering === false ? 'unbuffered' : 'buffered'}`
  requires('full', 'nginx', 'dist', 'proc').describe(title, () => {
    let app: ServedApp
    let nginx: RunningNginx
    let address: WireAddress
    let worker = 0

    async function upload(bytes: number): Promise<string> {
      const running = await Exchange.begin(address, 'http', { method: 'POST', target: '/upload', length: bytes })
      for (const block of blocks(bytes)) await running.sendBody(block)
      const answer = await running.answer(PATIENCE_MS)
      running.leave()
      expect(answer.state).toBe('complete')
      return answer.text
    }

    async function download(bytes: number): Promise<string> {
      const hash = createHash('sha256')
      const options = { keepBody: false, onBody: (piece: Uint8Array) => void hash.update(piece) }
      const running = await Exchange.begin(address, 'http', { target: `/download?bytes=${bytes}` }, options)
      const answer = await running.answer(PATIENCE_MS)
      running.leave()
      expect(answer.state).toBe('complete')
      return `${running.bodyBytes} ${hash.digest('hex')}`
    }

    function expected(bytes: number): string {
      const hash = createHash('sha256')
      for (const block of blocks(bytes)) hash.update(block)
      return `${bytes} ${hash.digest('hex')}`
    }

    /** Runs a transfer and fails when the worker's memory grew by too much in it, at any time. */
    async function withinMemory(transfer: () => Promise<string>): Promise<void> {
      const before = residentBytes(worker)
      resetPeak(worker)
      expect(await transfer()).toBe(expected(LARGE_BYTES))
      expect(residentBytes(worker, 'peak') - before).toBeLessThanOrEqual(GROWTH_BYTES)
    }

    beforeAll(async () => {
      app = await serveBuilt('test/fixtures/apps/large-transfers.ts')
      nginx = await startNginx({ ...setup, socketPath: app.socketPath })
      address = { type: 'tcp', host: '127.0.0.1', port: nginx.port }
      worker = Number((await exchange(address, 'http', { target: '/pid' })).text)
      // What a first request loads and compiles is no growth of a transfer.
      expect(await upload(2 * MB)).toBe(expected(2 * MB))
      expect(await download(2 * MB)).toBe(expected(2 * MB))
    }, PATIENCE_MS)
    afterAll(async () => {
      await nginx?.stop()
      await app?.stop()
    })

    it('upload: hash and memory', () => withinMemory(() => upload(LARGE_BYTES)), PATIENCE_MS)

    it('download: hash and memory', () => withinMemory(() => download(LARGE_BYTES)), PATIENCE_MS)

    it('the same process served it all', async () => {
      expect(Number((await exchange(address, 'http', { target: '/pid' })).text)).toBe(worker)
    })
  })
}
