import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeHandler } from '../../src/adapters/node-application.ts'
import { Server } from '../../src/server/server.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { DIRECT_WAYS, over } from '../conformance/bench.ts'
import { ask, Client, direct } from '../clients/direct.ts'
import { until } from '../support/until.ts'
import { Exchange } from '../wire/exchange.ts'

/** The status of one request whose head has this line and these fields, on a connection that ends behind it. */
async function statusOf(port: number, line: string, fields: string): Promise<number> {
  const answer = await ask(port, `${line}\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`)
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

const ok: Parameters<typeof direct>[0] = (_environ, startResponse) => {
  startResponse('200 OK', [])
  return 'ok'
}

describe('of a client without a proxy', () => {
  it.each([
    [99, 200],
    [100, 200],
    [101, 414],
  ])('--limit-request-line 100: a URL of %i bytes gets %i', async (size, status) => {
    const { port } = await direct(ok, { maxTargetBytes: 100 })
    expect(await statusOf(port, `GET /${'x'.repeat(size - 1)} HTTP/1.1`, '')).toBe(status)
  })

  it.each([
    [9, 200],
    [10, 200],
    [11, 431],
  ])('--limit-request-fields 10: %i fields get %i', async (count, status) => {
    const { port } = await direct(ok, { maxFields: 10 })
    expect(await statusOf(port, 'GET / HTTP/1.1', 'a: b\r\n'.repeat(count - 2))).toBe(status)
  })

  it('--limit-request-header-size: a head below it is taken, one above is 431, and the step is where it is said to be', async () => {
    const { port } = await direct(ok, { maxHeadBytes: 2000 })
    const sized = (size: number): Promise<number> => statusOf(port, 'GET / HTTP/1.1', `X: ${'x'.repeat(size)}\r\n`)
    const rest = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: \r\n\r\n'.length
    expect(await sized(2000 - rest - 100)).toBe(200)
    expect(await sized(2000 - rest + 100)).toBe(431)
    let [below, above] = [0, 4000]
    while (above - below > 1) {
      const middle = (below + above) >> 1
      if ((await sized(middle)) === 200) below = middle
      else above = middle
    }
    // node:http counts names, values and the line; not each of the characters between them.
    expect(Math.abs(below + rest - 2000)).toBeLessThan(40)
  })

  it('--connection-limit 3: two and three are served, a fourth gets 503', async () => {
    const { port } = await direct(ok, { connectionLimit: 3 })
    const clients: Client[] = []
    for (let count = 1; count <= 4; count++) {
      const client = await Client.open(port)
      clients.push(client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
      await until(() => client.statuses.length === 1, 'an answer')
    }
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200], [200], [503]])
  })
})

over(
  DIRECT_WAYS,
  '--limit-request-body 1000',
  (bench) => {
    it.each([
      [999, 200],
      [1000, 200],
      [1001, 413],
    ])('a body of %i bytes gets %i', async (size, status) => {
      bench.use(async (environ, startResponse) => {
        const body = await environ['tsgi.input'].read()
        startResponse('200 OK', [
          ['Content-Length', '0'],
          ['X-Size', String(body.length)],
        ])
        return null
      })
      const answer = await bench.send({ method: 'POST', body: new Uint8Array(size).fill(97) })
      expect([answer.status, answer.all('x-size')]).toEqual([status, status === 200 ? [String(size)] : []])
    })
  },
  { server: { maxRequestBodyBytes: 1000 } },
)

over(
  DIRECT_WAYS.filter(({ wire }) => wire === 'fastcgi' || wire === 'http'),
  '--limit-request-body 1000, of a body without a length',
  (bench) => {
    it.each([
      [999, true],
      [1000, true],
      [1001, false],
    ])('of %i bytes is taken: %s', async (size, isTaken) => {
      const read: unknown[] = []
      bench.use(async (environ, startResponse) => {
        try {
          read.push((await environ['tsgi.input'].read()).length)
        } catch (error) {
          read.push(error)
          throw error
        }
        startResponse('200 OK', [['Content-Length', '0']])
        return null
      })
      const exchange = await bench.begin({ method: 'POST', length: 'chunked' })
      await exchange.sendBody(new Uint8Array(size).fill(97))
      await exchange.endBody()
      const answer = await exchange.answer()
      exchange.leave()
      // A part of a body is not to be taken for all of it.
      await until(() => read.length > 0, 'the application')
      expect(read).toEqual([isTaken ? size : expect.objectContaining({ code: 'TSGI_ERR_BODY_LIMIT' })])
      expect([200, 413]).toContain(answer.status)
      expect(answer.status === 200).toBe(isTaken)
    })
  },
  { server: { maxRequestBodyBytes: 1000 } },
)

it('a body without a length that is over the limit has no end for a Node application, either', async () => {
  const events: string[] = []
  const log = new CollectedLog()
  const listener = createServer((request, response) => {
    for (const name of ['data', 'end', 'aborted', 'error', 'close']) request.on(name, () => void events.push(name))
    request.on('end', () => response.end('all of it'))
  })
  const server = new Server({ handler: nodeHandler(listener, log), log, maxRequestBodyBytes: 1000 })
  const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  onTestFinished(async () => {
    await server.drain(0)
    rmSync(folder, { recursive: true, force: true })
  })
  const address = { type: 'unix', path: join(folder, 's') } as const
  await server.listen(address)
  for (const wire of ['fastcgi', 'http'] as const) {
    const exchange = await Exchange.begin(address, wire, { method: 'POST', length: 'chunked' })
    await exchange.sendBody(new Uint8Array(1001))
    await exchange.endBody()
    const answer = await exchange.answer()
    exchange.leave()
    await until(() => events.includes('close'), 'the end of the request')
    expect([wire, answer.status, events.splice(0).includes('end')]).toEqual([wire, 413, false])
  }
})

describe('--worker-concurrency 2', () => {
  it('one and two are served at a time, a third is refused where nobody may wait', async () => {
    const release: (() => void)[] = []
    let running = 0
    const { port } = await direct(
      async (_environ, startResponse) => {
        running++
        await new Promise<void>((resolve) => release.push(resolve))
        startResponse('200 OK', [])
        return 'ok'
      },
      {},
      { workerConcurrency: 2 },
    )
    const clients = [await Client.open(port), await Client.open(port), await Client.open(port)]
    const [first, second, third] = clients
    first?.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => running === 1, 'the first')
    second?.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => running === 2, 'the second')
    third?.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => third?.statuses.length === 1, 'an answer')
    expect([running, third?.statuses]).toEqual([2, [503]])
    for (const each of release) each()
    await until(() => second?.statuses.length === 1, 'the others')
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200], [503]])
  })
})
