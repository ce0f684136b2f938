import { afterAll, afterEach, expect, it } from 'vitest'
import type { Application, Environ } from '../../src/interface/application.ts'
import { lint } from '../../src/middleware/lint/index.ts'
import { EVERY_WAY, expectComplete, over, WATCHFUL_WAYS } from '../conformance/bench.ts'
import type { Bench } from '../conformance/bench.ts'
import { application as bodyDigest } from '../fixtures/apps/body-digest.ts'
import { application as closesOnce } from '../fixtures/apps/closes-once.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as ignoresBody } from '../fixtures/apps/ignores-body.ts'
import { application as streamCancelled } from '../fixtures/apps/stream-cancelled.ts'
import { application as streamsUntilSignal } from '../fixtures/apps/streams-until-signal.ts'
import { application as writesBeforeReturning } from '../fixtures/apps/writes-before-returning.ts'
import { EVERY_WAY as EVERY_UPGRADE, over as overUpgrades, SWITCHING, upgradeRequest } from '../upgrades/bench.ts'
import { pattern } from '../wire/bytes.ts'
import { until } from '../support/until.ts'

const CLOSE_WITHIN_MS = 200

/** What was found, behind the title of the test in which the application was called. */
const findings: string[] = []

function linted(application: Application): Application {
  const { currentTestName } = expect.getState()
  return lint(application, {
    onFinding: ({ message }) => findings.push(`${currentTestName ?? ''}: ${message}`),
    closeWithinMs: CLOSE_WITHIN_MS,
  })
}

afterEach(() => expect(findings).toEqual([]))

afterAll(async () => {
  // A `close()` that is missing shows only then.
  await new Promise((resolve) => setTimeout(resolve, 2 * CLOSE_WITHIN_MS))
  expect(findings).toEqual([])
})

const TEXT = [['Content-Type', 'text/plain']] as const

function answers(status: string, headers: readonly (readonly [string, string])[], ...chunks: string[]): Application {
  return (_environ, startResponse) => {
    startResponse(status, headers)
    return chunks
  }
}

/** Reads the whole body in one of the ways that there are, and answers with its length. */
function reads(how: (input: Environ['tsgi.input']) => Promise<number>): Application {
  return async (environ, startResponse) => {
    const length = await how(environ['tsgi.input'])
    startResponse('200 OK', TEXT)
    return String(length)
  }
}

const total = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0)

const READERS: readonly [string, Application][] = [
  ['at once', reads(async (input) => total([await input.read()]))],
  [
    'by pieces',
    reads(async (input) => {
      let length = 0
      for (;;) {
        const { length: more } = await input.read(10_000)
        length += more
        if (more === 0) return length + total([await input.read()])
      }
    }),
  ],
  [
    'by lines',
    reads(async (input) => {
      const first = await input.readline(100)
      return total([first, await input.readline(), ...(await input.readlines())])
    }),
  ],
  [
    'as it comes',
    reads(async (input) => {
      let length = 0
      for await (const chunk of input) length += chunk.length
      return length
    }),
  ],
]

over(EVERY_WAY, 'the server keeps every rule that lint sees', (bench: Bench) => {
  it.each(['/', '/a%2Fb//c/..%20d?x=%2F&y', '/%C3%A9', '/?', '//', '/%FF'])('for GET %s', async (target) => {
    bench.use(linted(hello))
    expectComplete(await bench.send({ target, headers: [['X-Latin', 'caf\xe9']] }))
  })

  it.each(['HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'PROPFIND'])('for %s', async (method) => {
    bench.use(linted(hello))
    expectComplete(await bench.send({ method }))
  })

  it.each(READERS)('for a body that is read %s', async (_how, application) => {
    bench.use(linted(application))
    const body = pattern(200_000)
    // These two have a length, or no body: only nginx collects a body of unknown length for them.
    const knowsChunks = bench.way.name.endsWith('nginx') || !['uwsgi', 'scgi'].includes(bench.way.wire)
    for (const length of [body.length, ...(knowsChunks ? ['chunked' as const] : [])]) {
      const answer = await bench.send({ method: 'POST', body, length, headers: [['Content-Type', 'text/plain']] })
      expectComplete(answer)
      expect(answer.text).toBe('200000')
    }
    expectComplete(await bench.send({ method: 'POST', body: new Uint8Array(0) }))
  })

  it('for a body that is not read', async () => {
    bench.use(linted(ignoresBody))
    expectComplete(await bench.send({ method: 'POST', body: pattern(5000) }))
  })

  it.each<[string, Application, number]>([
    ['204', answers('204 No Content', []), 204],
    ['304', answers('304 Not Modified', [['ETag', '"a"']]), 304],
    ['a redirect', answers('302 Found', [['Location', '/elsewhere']]), 302],
    ['a length', answers('200 OK', [...TEXT, ['Content-Length', '6']], 'naïv', 'e'), 200],
    ['an empty body', answers('200 OK', []), 200],
    ['two cookies', answers('200 OK', [...TEXT, ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']], 'hello'), 200],
  ])('for %s', async (_what, application, status) => {
    bench.use(linted(application))
    for (const method of ['GET', 'HEAD']) expectComplete(await bench.send({ method }), status)
  })

  it('for streams, and for write()', async () => {
    for (const application of [writesBeforeReturning, closesOnce, bodyDigest]) {
      bench.use(linted(application))
      expectComplete(await bench.send({ target: '/?complete' }))
    }
    bench.use(
      linted((_environ, startResponse) => {
        startResponse('200 OK', TEXT)
        return new Response('from a stream').body
      }),
    )
    expectComplete(await bench.send({}))
  })

  it('for excInfo, before the head and behind it', async () => {
    bench.use(
      linted((_environ, startResponse) => {
        startResponse('200 OK', TEXT)
        startResponse('503 Service Unavailable', TEXT, [new Error('in time')])
        return 'sorry'
      }),
    )
    expectComplete(await bench.send({}), 503)
    bench.use(
      linted(async (_environ, startResponse) => {
        await startResponse('200 OK', [...TEXT, ['Content-Length', '100']])('begun')
        startResponse('503 Service Unavailable', TEXT, new Error('too late'))
        return null
      }),
    )
    expect((await bench.send({})).state).toBe('broken')
  })

  it.each(['throw', 'throw-first', 'reject-close'])('for a failure: %s', async (how) => {
    bench.use(linted(closesOnce))
    await bench.send({ target: `/?${how}` })
  })
})

over(WATCHFUL_WAYS, 'the server keeps every rule when the client leaves', (bench) => {
  it.each<[string, Application]>([
    ['a generator', streamsUntilSignal],
    ['a web stream', streamCancelled],
  ])('in the middle of %s', async (_what, application) => {
    bench.use(linted(application))
    const exchange = await bench.begin({})
    await exchange.endBody()
    await exchange.bodyOf(5)
    exchange.leave()
    await bench.idle()
  })

  it('in the middle of its own body', async () => {
    let failed: unknown
    bench.use(
      linted(async (environ, startResponse) => {
        startResponse('200 OK', TEXT)
        try {
          await environ['tsgi.input'].read()
        } catch (error) {
          failed = error
        }
        return 'too late'
      }),
    )
    const exchange = await bench.begin({ method: 'POST', length: 1000, body: Buffer.from('begun') })
    await exchange.sendBody(Buffer.from('begun'))
    // A proxy that collects the body first never calls the application.
    if (!bench.way.proxied) await until(() => bench.server.requestsInFlight === 1, 'the request')
    exchange.leave()
    await bench.idle()
    if (!bench.way.proxied) await until(() => failed !== undefined, 'the failure of the read')
  })
})

over(
  EVERY_WAY.filter(({ name }) => name === 'FastCGI' || name === 'HTTP'),
  'the server keeps every rule below a mount point, and for the target *',
  (bench) => {
    it('for paths below it', async () => {
      bench.use(linted(hello))
      for (const target of ['/app', '/app/', '/app/x%20y', '/%61pp/z']) expectComplete(await bench.send({ target }))
    })
  },
  { server: { mountPoint: '/app' } },
)

over(
  EVERY_WAY.filter(({ proxied }) => !proxied),
  'the server, asked directly,',
  (bench) => {
    it('keeps every rule for the target *, and for an absolute one', async () => {
      bench.use(linted(hello))
      expectComplete(await bench.send({ method: 'OPTIONS', target: '*' }))
      for (const target of ['http://example.org?x', '/a%', '/a%2']) expectComplete(await bench.send({ target }))
    })

    it('refuses a target that is no path', async () => {
      bench.use(linted(hello))
      for (const target of ['nowhere', '?x=1']) expect((await bench.send({ target })).status).toBe(400)
    })
  },
)

overUpgrades(EVERY_UPGRADE, 'the server keeps every rule for an upgrade', (bench) => {
  it('that is taken, and that is not', async () => {
    await bench().serve(
      linted((environ, startResponse) => {
        if (environ.PATH_INFO === '/taken') {
          const socket = environ['tsgi.upgrade']?.()
          socket?.write(SWITCHING)
          socket?.pipe(socket)
          return null
        }
        startResponse('403 Forbidden', TEXT)
        return typeof environ['tsgi.upgrade']
      }),
    )
    const taken = await bench().raw()
    taken.socket.write(`${upgradeRequest('echo').replace('/raw', '/taken')}hello`)
    await taken.expect('hello')
    taken.socket.destroy()
    const refused = await bench().raw()
    refused.socket.write(upgradeRequest('echo'))
    await refused.expect('function')
    refused.socket.destroy()
    expect((await fetch(`http://127.0.0.1:${bench().port}/`)).status).toBe(403)
    await until(() => bench().server.requestsInFlight === 0, 'the end of the requests')
  })
})
