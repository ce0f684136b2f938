import { expect, it } from 'vitest'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { TsgiError } from '../../src/interface/errors.ts'
import { cut, seeded } from '../protocol/drive.ts'
import { readVectors, type Vector } from '../protocol/vector.ts'
import { latin1 } from '../wire/bytes.ts'
import { WireConnection } from '../wire/connection.ts'
import { fastcgiRequest } from '../wire/fastcgi.ts'
import { gatewayParams } from '../wire/request.ts'
import { scgiRequest } from '../wire/scgi.ts'
import { uwsgiRequest } from '../wire/uwsgi.ts'
import { DIRECT_WAYS, expectComplete, over } from './bench.ts'
import { until } from '../support/until.ts'

/** Bytes that are no request, with the code that the log must have. */
const OTHERS: { name: string; bytes: Uint8Array; errors: string[] }[] = [
  ...[2, 3, 47, 58, 97, 99, 122, 127, 128, 255].map((byte) => ({
    name: `first byte ${byte}`,
    bytes: Uint8Array.of(byte, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    errors: ['TSGI_ERR_PROTOCOL_UNKNOWN'],
  })),
  { name: 'a TLS client hello', bytes: Uint8Array.of(22, 3, 1, 0, 5, 1, 0, 0, 1, 3), errors: ['TSGI_ERR_PROTOCOL_UNKNOWN'] },
]

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39

/** How a request of each protocol may begin, and what becomes of one that does not. */
const FRAMED = {
  uwsgi: { first: 0, code: ['TSGI_ERR_UWSGI_MODIFIER'] },
  fastcgi: { first: 1, code: ['TSGI_ERR_FASTCGI_RECORD'] },
  // A row of digits is a length over every limit.
  scgi: { first: -1, code: ['TSGI_ERR_SCGI_REQUEST', 'TSGI_ERR_PARAMS_TOO_LARGE'] },
}

over(DIRECT_WAYS.slice(0, 1), 'a malformed packet', (bench) => {
  async function sendAndWait(bytes: Uint8Array, pieces: Uint8Array[] = [bytes]): Promise<Buffer> {
    const connection = await WireConnection.open(bench.address)
    await connection.writeEach(pieces)
    await connection.whenEnded()
    const received = connection.received()
    connection.destroy()
    return received
  }

  async function expectAlive(): Promise<void> {
    bench.use(hello)
    expectComplete(await bench.send({}))
  }

  function expectLogged(vector: { errors: string[] }): void {
    expect(vector.errors).toContain(bench.log.codes.at(-1))
    for (const { message, error } of bench.log.problems) {
      expect(`${message} ${error instanceof Error ? error.message : ''}`).toMatch(/^[^\x00-\x1f\x7f]+$/)
    }
  }

  const isClosed = (vector: Vector): boolean => !vector.name.startsWith('content-length')
  // HTTP's first letter picks HTTP here, which is right.
  const fastcgi = readVectors('fastcgi/invalid').filter(
    ({ name, maxParamsBytes }) => name !== 'http' && maxParamsBytes === undefined && !/^version-(0|2|255)$/.test(name),
  )

  it.each(fastcgi)('FastCGI: $name closes the connection and leaves a line in the log', async (vector) => {
    // It reads first: a request that is answered at once would leave its id free for what follows.
    bench.use(echoBody)
    await sendAndWait(vector.bytes)
    await bench.idle()
    expectLogged(vector)
    await expectAlive()
  })

  it.each(
    readVectors('uwsgi/invalid')
      .filter(isClosed)
      .filter(({ bytes }) => bytes[0] === 0),
  )('uwsgi: $name closes the connection without a byte and leaves a line in the log', async (vector) => {
    let calls = 0
    bench.use(() => {
      calls++
      return null
    })
    for (const pieces of [[vector.bytes], Array.from(vector.bytes, (byte) => Uint8Array.of(byte))]) {
      bench.log.entries.length = 0
      expect(await sendAndWait(vector.bytes, pieces)).toHaveLength(0)
      expectLogged(vector)
    }
    expect(calls).toBe(0)
    await expectAlive()
  })

  it.each(readVectors('scgi/invalid').filter(({ bytes, maxParamsBytes }) => isDigit(bytes[0]) && maxParamsBytes === undefined))(
    '[53–57] SCGI: $name calls nobody, is closed or answered 400, and leaves a line in the log',
    async (vector) => {
      let calls = 0
      bench.use(() => {
        calls++
        return null
      })
      const closes = vector.errors.every((code) => /^TSGI_ERR_(?:SCGI_REQUEST|PARAMS_TOO_LARGE)$/.test(code))
      for (const pieces of [[vector.bytes], Array.from(vector.bytes, (byte) => Uint8Array.of(byte))]) {
        bench.log.entries.length = 0
        const answer = (await sendAndWait(vector.bytes, pieces)).toString('latin1')
        if (closes) expect(answer).toBe('')
        else expect(answer).toBe('Status: 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nBad Request\n')
        expectLogged(vector)
      }
      expect(calls).toBe(0)
      await expectAlive()
    },
  )

  it.each(OTHERS)('$name closes the connection without a byte', async (vector) => {
    bench.use(() => {
      throw new Error('called')
    })
    expect(await sendAndWait(vector.bytes)).toHaveLength(0)
    expectLogged(vector)
    await expectAlive()
  })

  it('[12] eval and RPC have no effect', async () => {
    const before = Object.keys(process.env).length
    const code = readVectors('uwsgi/invalid').filter(({ name }) => /^modifier-(22|173)$/.test(name))
    expect(code).toHaveLength(2)
    for (const { bytes } of code) expect(await sendAndWait(bytes)).toHaveLength(0)
    expect(Object.keys(process.env)).toHaveLength(before)
    await expectAlive()
  })

  it('bytes by chance, and good requests with a byte changed, harm nobody', async () => {
    bench.use(echoBody)
    const random = seeded(20_140_406)
    const params = gatewayParams({ method: 'POST', body: latin1('hello') })
    const good = [
      uwsgiRequest(params, latin1('hello')),
      fastcgiRequest(1, params, latin1('hello'), { keep: true }),
      scgiRequest(params, latin1('hello')),
    ]
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: 25 }, async (_, i) => {
          const bytes = Uint8Array.from(good[i % 3] ?? [])
          if (i % 5 === 0) for (let at = 1; at < bytes.length; at++) bytes[at] = random(256)
          else for (let changes = 0; changes < 3; changes++) bytes[random(bytes.length)] = random(256)
          const connection = await WireConnection.open(bench.address)
          await connection.writeEach(cut(bytes, [random(bytes.length)]))
          // What looks incomplete is waited for: the end tells that there is no more.
          connection.end()
          await connection.whenEnded()
          connection.destroy()
        }),
      )
      await bench.idle()
    }
    const unexpected = bench.log.problems.filter(
      ({ message, error }) => !(error instanceof TsgiError) && !/FastCGI role/.test(message),
    )
    expect(unexpected).toEqual([])
    await expectAlive()
  })

  it('a thousand of them leave no connection behind', async () => {
    bench.use(echoBody)
    // A packet of another modifier than 0 may begin as another protocol does.
    const scgi = readVectors('scgi/invalid').filter(({ bytes }) => isDigit(bytes[0]) && bytes.length > 20)
    const vectors = [...fastcgi, ...scgi, ...readVectors('uwsgi/invalid').filter(({ bytes }) => bytes[0] === 0)]
    for (let i = 0; i < 1000; i += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, j) => sendAndWait(vectors[(i + j) % vectors.length]?.bytes ?? latin1('?'))),
      )
    }
    await until(() => bench.server.requestsInFlight === 0, 'no request in flight')
    await expectAlive()
  })
})

over(
  DIRECT_WAYS.filter(({ wire }) => wire !== 'http'),
  'with the protocol given, a malformed packet',
  (bench) => {
    it('of any first byte closes the connection', async () => {
      const { first, code } = FRAMED[bench.way.wire === 'http' ? 'fastcgi' : bench.way.wire]
      for (const byte of [0, 1, 2, 50, 71, 255]) {
        if (byte === first) continue
        const connection = await WireConnection.open(bench.address)
        await connection.write(new Uint8Array(200).fill(byte))
        await connection.whenEnded()
        expect(connection.receivedBytes).toBe(0)
        connection.destroy()
      }
      expect(new Set(bench.log.codes)).toEqual(new Set(code))
    })
  },
  { protocolGiven: true },
)
