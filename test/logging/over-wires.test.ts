import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { nodeHandler } from '../../src/adapters/node-application.ts'
import type { AccessEntry } from '../../src/gateway/access.ts'
import { compileAccessFormat } from '../../src/logging/access-format.ts'
import { Server } from '../../src/server/server.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { DIRECT_WAYS, EVERY_WAY, over } from '../conformance/bench.ts'
import { until } from '../support/until.ts'
import { DIRECT, PROXIED, UpgradeBench } from '../upgrades/bench.ts'

/** What was logged: status, bytes, the line in the combined format. */
class Recorded {
  readonly lines: { status: number; bytes: number; combined: string; ms: number }[] = []
  readonly #combined = compileAccessFormat('combined')

  log(entry: AccessEntry): void {
    const ms = performance.now() - entry.startedAt
    this.lines.push({ status: entry.status, bytes: entry.bodyBytes, combined: this.#combined(entry, ms), ms })
  }

  async one(): Promise<(typeof this.lines)[number]> {
    await until(() => this.lines.length > 0, 'a line of the access log')
    const [line] = this.lines
    if (line === undefined || this.lines.length > 1) throw new Error(JSON.stringify(this.lines))
    return line
  }
}

const access = new Recorded()

afterEach(() => {
  access.lines.length = 0
})

over(
  EVERY_WAY,
  'the access log',
  (bench) => {
    it('has the status and the bytes of a body that is sent at once', async () => {
      bench.use((_environ, startResponse) => {
        startResponse('201 Created', [])
        return ['é', Buffer.from('12')]
      })
      await bench.send({ method: 'POST', target: '/made?x', headers: [['User-Agent', 'a tester']] })
      const line = await access.one()
      expect(line).toMatchObject({ status: 201, bytes: 4 })
      expect(line.combined).toMatch(/ "POST \/made\?x HTTP\/1\.[01]" 201 4 "-" "a tester"$/)
    })

    it('has the bytes and the time of a stream', async () => {
      bench.use(async function (_environ, startResponse) {
        startResponse('200 OK', [])
        await Promise.resolve()
        return (async function* () {
          yield 'one'
          await new Promise((resolve) => setTimeout(resolve, 60))
          yield 'four'
        })()
      })
      await bench.send({})
      const line = await access.one()
      expect(line).toMatchObject({ status: 200, bytes: 7 })
      expect(line.ms).toBeGreaterThan(50)
    })

    it('has no bytes for HEAD and 304', async () => {
      bench.use((_environ, startResponse) => {
        startResponse('200 OK', [['Content-Length', '5']])
        return 'hello'
      })
      await bench.send({ method: 'HEAD' })
      expect(await access.one()).toMatchObject({ status: 200, bytes: 0 })
      access.lines.length = 0
      bench.use((_environ, startResponse) => {
        startResponse('304 Not Modified', [])
        return 'hello'
      })
      await bench.send({})
      expect(await access.one()).toMatchObject({ status: 304, bytes: 0 })
    })

    it('has what the server answers for an application that fails', async () => {
      bench.use(() => {
        throw new Error('no')
      })
      await bench.send({})
      expect(await access.one()).toMatchObject({ status: 500 })
    })

    // Apache notices it when something is written to it.
    if (bench.way.proxy !== 'apache') {
      it('has 499 for a client that leaves', async () => {
        bench.use(async (environ, startResponse) => {
          await new Promise<void>((resolve) => environ['tsgi.signal'].addEventListener('abort', () => resolve()))
          startResponse('200 OK', [])
          return null
        })
        const exchange = await bench.begin({})
        await exchange.endBody()
        await until(() => bench.server.requestsInFlight === 1, 'the request')
        exchange.leave()
        await until(() => access.lines.length > 0, 'a line')
        // One who may have closed his half only was answered; either way there is one line.
        expect([200, 499]).toContain((await access.one()).status)
      })
    }
  },
  { server: { access } },
)

over(
  DIRECT_WAYS,
  'the access log',
  (bench) => {
    it('cannot be forged by any byte of a request', async () => {
      bench.use((_environ, startResponse) => {
        startResponse('200 OK', [])
        return null
      })
      // HTTP's parser refuses some of these by itself; the binary protocols carry every byte.
      const isHttp = bench.way.wire === 'http'
      const code = isHttp
        ? fc.integer({ min: 0x20, max: 0xff }).filter((each) => each !== 0x7f)
        : // SCGI ends its texts with NUL.
          fc.integer({ min: bench.way.wire === 'scgi' ? 1 : 0, max: 0xff })
      const bytes = fc.string({ unit: code.map((each) => String.fromCharCode(each)), minLength: 1, maxLength: 30 })
      const targets = isHttp ? bytes.map((text) => `/${text.replace(/[^!-~]/g, '')}`) : bytes.map((text) => `/${text}`)
      await fc.assert(
        fc.asyncProperty(targets, bytes, bytes, async (target, agent, referer) => {
          access.lines.length = 0
          await bench.send({
            target,
            headers: [
              ['User-Agent', `x${agent}x`],
              ['Referer', `x${referer}x`],
            ],
          })
          const { combined } = await access.one()
          expect(combined).toMatch(/^[\x20-\x7e]+$/)
          expect(combined).toMatch(/^\S+ - - \[[^\]"]+\] "GET \/[^"]* HTTP\/1\.1" 200 - "x[^"]*x" "x[^"]*x"$/)
        }),
        { numRuns: 150 },
      )
    })
  },
  { server: { access } },
)

describe('the access log of a Node application over HTTP', () => {
  async function serve(
    listener: RequestListener,
    options: { requestTimeoutMs?: number; maxRequestBodyBytes?: number } = {},
  ): Promise<number> {
    const log = new CollectedLog()
    const server = new Server({ handler: nodeHandler(createServer(listener), log), log, access, mountPoint: '/app', ...options })
    const bound = await server.listen({ type: 'tcp', host: '127.0.0.1', port: 0 })
    onTestFinished(async () => void (await server.drain(0)))
    return bound.type === 'tcp' ? bound.port : 0
  }

  it('counts the body, and has the target as it came', async () => {
    const port = await serve((request, response) => {
      expect(request.url).toBe('/x?y')
      response.write('abc', () => response.end(Buffer.from('de')))
    })
    await (await fetch(`http://127.0.0.1:${port}/app/x?y`, { headers: { 'user-agent': 'tester' } })).text()
    const line = await access.one()
    expect(line).toMatchObject({ status: 200, bytes: 5 })
    expect(line.combined).toMatch(/^127\.0\.0\.1 - - .* "GET \/app\/x\?y HTTP\/1\.1" 200 5 "-" "tester"$/)
  })

  it('has no bytes for HEAD, 404 beside the mount point, 413 and 504', async () => {
    const port = await serve(
      (request, response) => {
        if (request.method === 'HEAD') response.end('hello')
      },
      { requestTimeoutMs: 200, maxRequestBodyBytes: 3 },
    )
    const seen: unknown[] = []
    for (const [path, init] of [
      ['/app', { method: 'HEAD' }],
      ['/', {}],
      ['/app', { method: 'POST', body: 'too long' }],
      ['/app', {}],
    ] as const) {
      access.lines.length = 0
      await (await fetch(`http://127.0.0.1:${port}${path}`, init)).text()
      const { status, bytes } = await access.one()
      seen.push([status, bytes])
    }
    expect(seen).toEqual([
      [200, 0],
      [404, 10],
      [413, 18],
      [504, 16],
    ])
  })

  it('has 499 for a client that leaves', async () => {
    let arrived = false
    const port = await serve(() => (arrived = true))
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /app HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => arrived, 'the request')
    socket.destroy()
    expect(await access.one()).toMatchObject({ status: 499, bytes: 0 })
  })
})

describe.each([...DIRECT, ...PROXIED.filter(({ wire }) => wire === 'fastcgi')])('an upgraded connection, over $name', (way) => {
  it('is logged when it closes, with the answer and what was written', async () => {
    const bench = new UpgradeBench(way)
    onTestFinished(() => bench.stop())
    await bench.serveNode(
      (server) => {
        server.on('upgrade', (request, socket) => {
          if (request.url === '/no') socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
          else {
            socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
            socket.end('bye')
          }
        })
      },
      { access },
    )
    for (const [path, status] of [
      ['/yes', 101],
      ['/no', 401],
    ] as const) {
      access.lines.length = 0
      const client = connect(bench.port, '127.0.0.1')
      client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`)
      client.resume()
      client.on('end', () => client.end())
      const line = await access.one()
      client.destroy()
      expect(line.status).toBe(status)
      expect(line.bytes).toBeGreaterThan(60)
      expect(line.combined).toContain(`"GET ${path} HTTP/1.1" ${status} `)
    }
  })
})
