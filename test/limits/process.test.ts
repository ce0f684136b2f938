import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { applicationHandler } from '../../src/gateway/run-application.ts'
import { LogRotation } from '../../src/logging/rotation.ts'
import { whyRecycle } from '../../src/process/recycling.ts'
import type { WorkerProcess } from '../../src/process/worker-process.ts'
import { checkCounts } from '../../src/process/worker-options.ts'
import { Recorder } from '../../src/recording/recorder.ts'
import { Server } from '../../src/server/server.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { until } from '../support/until.ts'
import { exchange } from '../wire/exchange.ts'

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

it('--max-requests 3: enough is said once, with the third', () => {
  const said: number[] = []
  const server = new Server({
    handler: applicationHandler(() => null),
    log: new CollectedLog(),
    maxRequests: 3,
    onEnough: () => void said.push(server.requestsFinished),
  })
  for (let count = 1; count <= 5; count++) {
    server.requestStarted()
    server.requestFinished()
    expect(said).toEqual(count < 3 ? [] : [3])
  }
})

it('--max-requests-jitter needs --max-requests, of any size', () => {
  const check = (maxRequests: number, maxRequestsJitter: number) => () =>
    checkCounts({ processes: 1, minProcesses: undefined, maxRequests, maxRequestsJitter })
  for (const [requests, jitter] of [[0, 0], [1, 0], [1, 1], [1, 2]] as const) expect(check(requests, jitter)).not.toThrow() // prettier-ignore
  expect(check(0, 1)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
})

it('--worker-max-rss 1000: a worker that is larger five times in a row is replaced, one of just that size is not', () => {
  const looks = (...sizes: number[]): unknown => {
    // All that is looked at.
    const worker = { id: 1, state: 'ready', readyAt: 0, largeLooks: 0, stats: { rssBytes: 0 } }
    let reason: unknown
    for (const size of sizes) {
      worker.stats.rssBytes = size
      reason = whyRecycle(worker as unknown as WorkerProcess, { workerMaxRssBytes: 1000 }, 1)
    }
    return reason
  }
  expect(looks(...Array<number>(9).fill(999))).toBeUndefined()
  expect(looks(...Array<number>(9).fill(1000))).toBeUndefined()
  expect(looks(...Array<number>(4).fill(1001))).toBeUndefined()
  expect(looks(1001, 1001, 1001, 1001, 1000, 1001)).toBeUndefined()
  expect(looks(...Array<number>(5).fill(1001))).toBe('worker-max-rss')
})

describe('logs', () => {
  it('--max-log-size 100: a log of 99 bytes stays, those of 100 and 101 are moved away', async () => {
    const folder = temporary()
    const sizes = [99, 100, 101]
    for (const size of sizes) writeFileSync(join(folder, String(size)), 'x'.repeat(size))
    let moved = false
    const rotation = new LogRotation({
      files: sizes.map((size) => join(folder, String(size))),
      maxBytes: 100,
      keep: 2,
      log: new CollectedLog(),
      reopen: () => (moved = true),
    })
    await until(() => moved, 'a look')
    rotation.stop()
    expect(readdirSync(folder).sort()).toEqual(['100.1', '101.1', '99'])
  })

  it('--rotate-logs 2: two of them are kept, and no third', async () => {
    const folder = temporary()
    const file = join(folder, 'log')
    let moves = 0
    const write = (): void => writeFileSync(file, `written after ${moves} moves`)
    write()
    const reopen = (): void => {
      moves++
      write()
    }
    const rotation = new LogRotation({ files: [file], maxBytes: 1, keep: 2, log: new CollectedLog(), reopen })
    for (const [count, kept] of [
      [1, ['log', 'log.1']],
      [2, ['log', 'log.1', 'log.2']],
      [3, ['log', 'log.1', 'log.2']],
    ] as const) {
      await until(() => moves === count, `move ${count}`)
      expect(readdirSync(folder).sort()).toEqual(kept)
    }
    rotation.stop()
  })
})

it('--record-max-body 10: bodies of 9 and 10 bytes are kept, of one of 11 the length', async () => {
  const folder = temporary()
  const log = new CollectedLog()
  const path = join(folder, 'record.jsonl')
  const recorder = new Recorder({ path, sample: 1, maxFileBytes: 100_000, maxBodyBytes: 10, redact: [] }, log)
  const handler = applicationHandler(async (environ, startResponse) => {
    const body = await environ['tsgi.input'].read()
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return body
  })
  const server = new Server({ handler, log, recorder })
  const address = { type: 'unix', path: join(folder, 's') } as const
  await server.listen(address)
  for (const size of [9, 10, 11]) {
    const headers = [['Content-Type', 'text/plain']] as const
    expect((await exchange(address, 'uwsgi', { method: 'POST', headers, body: new Uint8Array(size).fill(97) })).status).toBe(200)
  }
  await server.drain(1000)
  await recorder.close()
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  // What a recorder writes.
  const records = lines.map((line) => JSON.parse(line) as { body: unknown; response: { body: unknown } })
  const kept = (size: number): unknown => expect.objectContaining({ text: 'a'.repeat(size) })
  const left = expect.objectContaining({ bytes: 11, left: 'size' })
  expect(records.map(({ body }) => body)).toEqual([kept(9), kept(10), left])
  expect(records.map(({ response }) => response.body)).toEqual([kept(9), kept(10), left])
})
