import { expect, it } from 'vitest'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as waitsForSignal, seen as waitsSeen } from '../fixtures/apps/waits-for-signal.ts'
import { concat, latin1, latin1Text, pattern } from '../wire/bytes.ts'
import { FastcgiPeer } from '../wire/fastcgi-peer.ts'
import * as wire from '../wire/fastcgi.ts'
import { gatewayParams } from '../wire/request.ts'
import { DIRECT_WAYS, expectComplete, over } from './bench.ts'

const FASTCGI = DIRECT_WAYS.filter(({ wire: spoken }) => spoken === 'fastcgi')
const GET = gatewayParams({ target: '/here' })
const post = (body: Uint8Array): string[] => gatewayParams({ method: 'POST', body })

over(FASTCGI, 'a FastCGI connection', (bench) => {
  const open = (): Promise<FastcgiPeer> => FastcgiPeer.open(bench.address)

  it('[22] without KEEP_CONN is closed right behind END_REQUEST', async () => {
    bench.use(hello)
    const peer = await open()
    await peer.send(wire.fastcgiRequest(1, GET))
    expect(await peer.connection.whenEnded()).toBe('end')
    const reply = await peer.reply(1)
    expect(reply).toMatchObject({ appStatus: 0, protocolStatus: wire.REQUEST_COMPLETE, stdoutClosed: true })
    expect(reply.stdout).toMatch(/^Status: 200 OK\r\n[^]*\r\n\r\nhello, world\n$/)
    peer.leave()
  })

  it('[23] [24] with KEEP_CONN serves one request behind the other, with the same id and others', async () => {
    bench.use(echoBody)
    const peer = await open()
    for (const [id, text] of [
      [1, 'one'],
      [1, 'two'],
      [7, 'three'],
      [1, 'four'],
      [65_535, 'five'],
    ] as const) {
      await peer.send(wire.fastcgiRequest(id, post(latin1(text)), latin1(text), { keep: true }))
      const reply = await peer.reply(id)
      expect(reply.stdout).toMatch(new RegExp(`\\r\\n\\r\\n${text}$`))
      expect(reply.protocolStatus).toBe(wire.REQUEST_COMPLETE)
    }
    expect(peer.connection.ending).toBeUndefined()
    peer.leave()
  })

  it('keeps requests apart whose records come in turn, byte by byte, on many connections', async () => {
    bench.use(async (environ, startResponse) => {
      const body = await environ['tsgi.input'].read()
      startResponse('200 OK', [])
      return [environ.PATH_INFO, ' ', body]
    })
    const peers = await Promise.all(Array.from({ length: 10 }, open))
    const requests = peers.map((_, i) =>
      wire.fastcgiRequest(1, gatewayParams({ method: 'POST', target: `/number/${i}`, length: 6 }), latin1(`body ${i}`)),
    )
    const longest = Math.max(...requests.map(({ length }) => length))
    for (let at = 0; at < longest; at++) {
      await Promise.all(peers.map((peer, i) => peer.send(requests[i]?.subarray(at, at + 1) ?? new Uint8Array(0))))
    }
    for (const [i, peer] of peers.entries()) {
      expect((await peer.reply(1)).stdout).toMatch(new RegExp(`/number/${i} body ${i}$`))
      peer.leave()
    }
  })

  it('takes a request byte by byte', async () => {
    bench.use(echoBody)
    const peer = await open()
    const bytes = wire.fastcgiRequest(1, post(latin1('hello')), latin1('hello'))
    await peer.connection.writeEach(Array.from(bytes, (byte) => Uint8Array.of(byte)))
    expect((await peer.reply(1)).stdout).toMatch(/hello$/)
    peer.leave()
  })

  it('[25] answers a second id with CANT_MPX_CONN, and the first goes on', async () => {
    bench.use(echoBody)
    const peer = await open()
    await peer.send(
      concat([
        wire.requestHead(1, post(latin1('hello')), { keep: true }),
        wire.fastcgiRequest(2, GET, latin1('x'), { keep: true }),
      ]),
    )
    expect(await peer.reply(2)).toMatchObject({ stdout: '', protocolStatus: wire.CANT_MPX_CONN })
    await peer.send(wire.stream(wire.STDIN, 1, latin1('hello')))
    expect((await peer.reply(1)).stdout).toMatch(/hello$/)
    await peer.send(wire.fastcgiRequest(2, post(latin1('later')), latin1('later'), { keep: true }))
    expect((await peer.reply(2)).stdout).toMatch(/later$/)
    peer.leave()
  })

  it.each([
    ['Authorizer', wire.AUTHORIZER],
    ['Filter', wire.FILTER],
    ['unknown', 99],
  ])('[26] answers the role %s with a whole 503 and UNKNOWN_ROLE', async (_name, role) => {
    let calls = 0
    bench.use(() => {
      calls++
      return null
    })
    for (const keep of [false, true]) {
      const peer = await open()
      await peer.send(wire.fastcgiRequest(1, GET, latin1('body'), { role, keep }))
      const reply = await peer.reply(1)
      expect(reply).toMatchObject({ protocolStatus: wire.UNKNOWN_ROLE, stdoutClosed: true })
      expect(reply.stdout).toMatch(/^Status: 503 /)
      if (!keep) await peer.connection.whenEnded()
      peer.leave()
    }
    expect(calls).toBe(0)
  })

  it('[27] answers GET_VALUES with what it knows', async () => {
    const peer = await open()
    const names = ['FCGI_MAX_CONNS', 'FCGI_MAX_REQS', 'FCGI_MPXS_CONNS', 'FCGI_UNKNOWN', 'toString', '__proto__']
    await peer.send(wire.record(wire.GET_VALUES, 0, wire.nameValuePairs(names.flatMap((name) => [name, '']))))
    const { content } = await peer.record(wire.GET_VALUES_RESULT, 0)
    const pairs = wire.decodePairs(content)
    expect(pairs.filter((_, index) => index % 2 === 0)).toEqual(['FCGI_MAX_CONNS', 'FCGI_MAX_REQS', 'FCGI_MPXS_CONNS'])
    expect(pairs[1]).toMatch(/^[1-9]\d*$/)
    expect(pairs[3]).toMatch(/^[1-9]\d*$/)
    expect(pairs[5]).toBe('0')
    peer.leave()
  })

  it('[28] answers GET_VALUES in the middle of a request', async () => {
    bench.use(echoBody)
    const peer = await open()
    const ask = wire.record(wire.GET_VALUES, 0, wire.nameValuePairs(['FCGI_MPXS_CONNS', '']))
    const body = wire.stream(wire.STDIN, 1, latin1('hello'))
    await peer.send(
      concat([wire.beginRequest(1), ask, wire.stream(wire.PARAMS, 1, wire.nameValuePairs(post(latin1('hello')))), ask]),
    )
    await peer.send(concat([body.subarray(0, 13), ask, body.subarray(13)]))
    expect((await peer.reply(1)).stdout).toMatch(/hello$/)
    expect(peer.records.filter(({ type }) => type === wire.GET_VALUES_RESULT)).toHaveLength(3)
    peer.leave()
  })

  it('[29] answers an unknown management type with UNKNOWN_TYPE', async () => {
    bench.use(hello)
    const peer = await open()
    await peer.send(concat([wire.record(42, 0, latin1('what is this'), { padding: 4 }), wire.fastcgiRequest(1, GET)]))
    const { content } = await peer.record(wire.UNKNOWN_TYPE, 0)
    expect(Array.from(content)).toEqual([42, 0, 0, 0, 0, 0, 0, 0])
    expect((await peer.reply(1)).stdout).toMatch(/hello, world\n$/)
    peer.leave()
  })

  it('[31] reads over padding of 255 bytes behind every record', async () => {
    bench.use(echoBody)
    const peer = await open()
    const body = pattern(1000)
    await peer.send(
      concat([
        wire.record(wire.BEGIN_REQUEST, 1, Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0), { padding: 255 }),
        wire.stream(wire.PARAMS, 1, wire.nameValuePairs(post(body)), { recordSize: 50, padding: 255 }),
        wire.stream(wire.STDIN, 1, body, { recordSize: 77, padding: 255 }),
      ]),
    )
    const { stdout } = await peer.reply(1)
    expect(stdout.slice(-1000)).toBe(latin1Text(body))
    peer.leave()
  })

  it('[32] [33] takes PARAMS in records of one byte, with lengths of one and of four bytes', async () => {
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [])
      return `${String(environ.HTTP_X_LONG).length} ${String(environ.HTTP_X_SHORT)}`
    })
    const params = [...GET, 'HTTP_X_LONG', 'v'.repeat(300), 'HTTP_X_SHORT', 'short']
    for (const longLengths of [false, true]) {
      const peer = await open()
      const pairs = wire.nameValuePairs(params, { longLengths })
      await peer.send(
        concat([wire.beginRequest(1), wire.stream(wire.PARAMS, 1, pairs, { recordSize: 1 }), wire.record(wire.STDIN, 1)]),
      )
      expect((await peer.reply(1)).stdout).toMatch(/\r\n\r\n300 short$/)
      peer.leave()
    }
  })

  it.each([undefined, '', '-1'])(
    '[37] [38] [39] streams a body to its empty record where CONTENT_LENGTH is %j',
    async (length) => {
      let seen: unknown = 'nothing'
      bench.use(async (environ, startResponse) => {
        seen = environ.CONTENT_LENGTH
        const body = await environ['tsgi.input'].read()
        startResponse('200 OK', [])
        return body
      })
      const peer = await open()
      await peer.send(wire.requestHead(1, gatewayParams({ method: 'POST', params: { CONTENT_LENGTH: length } })))
      for (const piece of ['a ', 'stream', 'ed body'])
        await peer.send(wire.stream(wire.STDIN, 1, latin1(piece), { close: false }))
      await peer.send(wire.record(wire.STDIN, 1))
      expect((await peer.reply(1)).stdout).toMatch(/\r\n\r\na streamed body$/)
      expect(seen).toBeUndefined()
      peer.leave()
    },
  )

  it.each([
    ['fewer', 'abc'],
    ['more', 'abcdefgh'],
  ])('[40] fails the read of %s bytes than CONTENT_LENGTH says: 400, never a whole body', async (_name, sent) => {
    bench.use(echoBody)
    const peer = await open()
    await peer.send(wire.fastcgiRequest(1, gatewayParams({ method: 'POST', length: 5 }), latin1(sent), { keep: true }))
    const { stdout } = await peer.reply(1)
    expect(stdout).toMatch(/^Status: 400 /)
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_LENGTH'])
    peer.leave()
  })

  it('[41] aborts the signal for ABORT_REQUEST and answers END_REQUEST; the connection lives', async () => {
    waitsSeen.clear()
    bench.use(waitsForSignal)
    const peer = await open()
    await peer.send(wire.fastcgiRequest(1, GET, new Uint8Array(0), { keep: true }))
    await waitsSeen.whenAdded('called')
    await peer.send(wire.record(wire.ABORT_REQUEST, 1))
    await waitsSeen.whenAdded('aborted')
    expect((await peer.reply(1)).protocolStatus).toBe(wire.REQUEST_COMPLETE)
    await bench.idle()
    expect(bench.log.problems).toEqual([])
    bench.use(hello)
    await peer.send(wire.fastcgiRequest(1, GET, new Uint8Array(0), { keep: true }))
    expect((await peer.reply(1)).stdout).toMatch(/hello, world\n$/)
    peer.leave()
  })

  it('[41] fails the read for ABORT_REQUEST in the body', async () => {
    let outcome = ''
    bench.use(async (environ) => {
      await environ['tsgi.input'].read().catch((error: unknown) => {
        outcome = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
        throw error
      })
      return null
    })
    const peer = await open()
    await peer.send(
      concat([
        wire.requestHead(1, gatewayParams({ method: 'POST', length: 100 }), { keep: true }),
        wire.stream(wire.STDIN, 1, latin1('part'), { close: false }),
      ]),
    )
    await peer.send(wire.record(wire.ABORT_REQUEST, 1))
    await peer.reply(1)
    await bench.idle()
    expect(outcome).toBe('TSGI_ERR_CLIENT_DISCONNECTED')
    expect(bench.log.problems).toEqual([])
    peer.leave()
  })

  it('[42] ignores ABORT_REQUEST and bodies of ids it does not serve', async () => {
    bench.use(echoBody)
    const peer = await open()
    const late = concat([wire.record(wire.ABORT_REQUEST, 9), wire.stream(wire.STDIN, 8, latin1('late'))])
    await peer.send(concat([late, wire.requestHead(1, post(latin1('hello'))), late, wire.stream(wire.STDIN, 1, latin1('hello'))]))
    expect((await peer.reply(1)).stdout).toMatch(/hello$/)
    peer.leave()
  })

  it('[44] ignores STDIN behind END_REQUEST, and serves what follows', async () => {
    bench.use(hello)
    const peer = await open()
    await peer.send(wire.requestHead(1, gatewayParams({ method: 'POST', length: 10 }), { keep: true }))
    expect((await peer.reply(1)).stdout).toMatch(/hello, world\n$/)
    await peer.send(wire.stream(wire.STDIN, 1, latin1('0123456789'), { recordSize: 3, padding: 5 }))
    bench.use(echoBody)
    await peer.send(wire.fastcgiRequest(1, post(latin1('next')), latin1('next'), { keep: true }))
    expect((await peer.reply(1)).stdout).toMatch(/\r\n\r\nnext$/)
    peer.leave()
  })

  it('[46] [47] sends records that cover its bytes, none of them empty before the end', async () => {
    const body = pattern(300_001)
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [])
      return (function* () {
        for (let at = 0; at < body.length; at += 100_000) yield body.subarray(at, at + 100_000)
      })()
    })
    const peer = await open()
    await peer.send(wire.fastcgiRequest(1, GET))
    const { stdout } = await peer.reply(1)
    expect(stdout.slice(-body.length)).toBe(latin1Text(body))
    const types = peer.records.map(({ type, content }) => [type, content.length === 0])
    expect(types.slice(-2)).toEqual([
      [wire.STDOUT, true],
      [wire.END_REQUEST, false],
    ])
    expect(types.slice(0, -2).every(([type, empty]) => type === wire.STDOUT && empty === false)).toBe(true)
    expect(peer.records.every(({ version, requestId }) => version === 1 && requestId === 1)).toBe(true)
    expect(peer.pendingBytes).toBe(0)
    peer.leave()
  })

  it('[48] sends no empty STDOUT where the body is shorter than its Content-Length', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '10']])
      return 'four'
    })
    const peer = await open()
    await peer.send(wire.fastcgiRequest(1, GET, new Uint8Array(0), { keep: true }))
    await peer.connection.whenEnded()
    expect(peer.records.some(({ type, content }) => type === wire.STDOUT && content.length === 0)).toBe(false)
    expect(peer.records.at(-1)?.type).toBe(wire.END_REQUEST)
    peer.leave()
  })

  it('[50] ignores a request behind one without KEEP_CONN', async () => {
    const calls: string[] = []
    bench.use((environ, startResponse) => {
      calls.push(environ.PATH_INFO)
      startResponse('200 OK', [])
      return null
    })
    const peer = await open()
    await peer.send(concat([wire.fastcgiRequest(1, GET), wire.fastcgiRequest(1, gatewayParams({ target: '/second' }))]))
    expect(await peer.connection.whenEnded()).toBe('end')
    await peer.send(wire.fastcgiRequest(1, gatewayParams({ target: '/third' })))
    await bench.idle()
    expect(calls).toEqual(['/here'])
    expect(peer.records.filter(({ type }) => type === wire.END_REQUEST)).toHaveLength(1)
    peer.leave()
  })

  it('closes silently for a peer that connects and leaves, and for one that leaves between requests', async () => {
    bench.use(hello)
    const idle = await open()
    idle.connection.end()
    await idle.connection.whenEnded()
    const kept = await open()
    await kept.send(wire.fastcgiRequest(1, GET, new Uint8Array(0), { keep: true }))
    await kept.reply(1)
    kept.connection.end()
    expect(await kept.connection.whenEnded()).toBe('end')
    expectComplete(await bench.send({}))
    expect(bench.log.problems).toEqual([])
  })
})

over(
  FASTCGI,
  'a FastCGI peer at a limit',
  (bench) => {
    it('[15] loses its connection when the params do not come in time', async () => {
      const peer = await FastcgiPeer.open(bench.address)
      await peer.send(wire.beginRequest(1, { keep: true }))
      await peer.connection.whenEnded()
      peer.leave()
      await bench.log.whenCode('TSGI_ERR_HEADER_TIMEOUT')
    })

    it('[52] loses its connection when the params are too large', async () => {
      const peer = await FastcgiPeer.open(bench.address)
      await peer.send(wire.requestHead(1, [...GET, 'HTTP_X', 'v'.repeat(5000)]))
      await peer.connection.whenEnded()
      expect(peer.connection.receivedBytes).toBe(0)
      peer.leave()
      expect(bench.log.codes).toEqual(['TSGI_ERR_PARAMS_TOO_LARGE'])
    })

    it('is closed without a word when it keeps a connection idle for too long', async () => {
      bench.use(hello)
      const peer = await FastcgiPeer.open(bench.address)
      await peer.send(wire.fastcgiRequest(1, GET, new Uint8Array(0), { keep: true }))
      await peer.reply(1)
      expect(await peer.connection.whenEnded()).toBe('end')
      peer.leave()
      expect(bench.log.problems).toEqual([])
    })
  },
  { server: { headerTimeoutMs: 100, keepAliveTimeoutMs: 1000, maxParamsBytes: 4096 } },
)
