import { expect, it } from 'vitest'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as ignoresBody } from '../fixtures/apps/ignores-body.ts'
import { concat, hex, latin1 } from '../wire/bytes.ts'
import { WireConnection } from '../wire/connection.ts'
import { gatewayParams } from '../wire/request.ts'
import { uwsgiPacket, uwsgiRequest, uwsgiVars } from '../wire/uwsgi.ts'
import { DIRECT_WAYS, expectComplete, over } from './bench.ts'
import { settled } from '../support/until.ts'

const UWSGI = DIRECT_WAYS.filter(({ wire }) => wire === 'uwsgi')
const GET = gatewayParams({ target: '/here' })

over(UWSGI, 'a uwsgi connection', (bench) => {
  /** Sends pieces and gives all that comes back until the server closes. */
  async function exchangeBytes(pieces: Uint8Array[]): Promise<Buffer> {
    const connection = await WireConnection.open(bench.address)
    await connection.writeEach(pieces)
    expect(await connection.whenEnded()).toBe('end')
    const received = connection.received()
    connection.destroy()
    return received
  }

  it('[1] answers with an HTTP status line and closes', async () => {
    bench.use(hello)
    const text = (await exchangeBytes([uwsgiRequest(GET)])).toString('latin1')
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text).toMatch(/\r\n\r\nhello, world\n$/)
    expect(text).not.toMatch(/^Status:/im)
    expect(text).not.toMatch(/chunked/i)
  })

  it('[2] takes a packet and a body byte by byte', async () => {
    bench.use(echoBody)
    const bytes = uwsgiRequest(gatewayParams({ method: 'POST', body: latin1('hello') }), latin1('hello'))
    const text = (await exchangeBytes(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toString('latin1')
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello$/)
  })

  it('[3] takes the body in the same write, and in others', async () => {
    bench.use(echoBody)
    const body = latin1('hello')
    const packet = uwsgiPacket(uwsgiVars(gatewayParams({ method: 'POST', body })))
    for (const pieces of [[concat([packet, body])], [packet, body], [packet, body.subarray(0, 2), body.subarray(2)]]) {
      expect((await exchangeBytes(pieces)).toString('latin1')).toMatch(/\r\n\r\nhello$/)
    }
  })

  it('[5] takes a packet of 65,535 bytes', async () => {
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [])
      return String(String(environ.HTTP_X_FILL).length)
    })
    const room = 65_535 - uwsgiVars([...GET, 'HTTP_X_FILL', '']).length
    const block = uwsgiVars([...GET, 'HTTP_X_FILL', 'x'.repeat(room)])
    expect(block).toHaveLength(65_535)
    expect((await exchangeBytes([uwsgiPacket(block)])).toString('latin1')).toMatch(new RegExp(`\\r\\n\\r\\n${room}$`))
  })

  it('[11] answers a ping and closes', async () => {
    expect(hex(await exchangeBytes([Uint8Array.of(100, 0, 0, 0)]))).toBe('64000001')
    expect(bench.log.problems).toEqual([])
  })

  it('[14] closes silently for a peer that connects and leaves', async () => {
    const connection = await WireConnection.open(bench.address)
    connection.end()
    await connection.whenEnded()
    expect(connection.receivedBytes).toBe(0)
    const other = await WireConnection.open(bench.address)
    other.destroy()
    bench.use(hello)
    expectComplete(await bench.send({}))
    expect(bench.log.problems).toEqual([])
  })

  it('[17] ignores bytes behind the body: no second request', async () => {
    const calls: string[] = []
    bench.use(async (environ, startResponse) => {
      calls.push(environ.PATH_INFO)
      const body = await environ['tsgi.input'].read()
      startResponse('200 OK', [])
      return body
    })
    const first = uwsgiRequest(gatewayParams({ method: 'POST', target: '/first', body: latin1('hello') }), latin1('hello'))
    const text = (await exchangeBytes([concat([first, uwsgiRequest(gatewayParams({ target: '/second' }))])])).toString('latin1')
    expect(text).toMatch(/\r\n\r\nhello$/)
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(calls).toEqual(['/first'])
  })

  it('[18] takes an empty and an absent CONTENT_LENGTH for no body', async () => {
    bench.use(echoBody)
    for (const length of ['', undefined, '0']) {
      const params = gatewayParams({ method: 'POST', params: { CONTENT_LENGTH: length } })
      expect((await exchangeBytes([uwsgiRequest(params, latin1('not the body'))])).toString('latin1')).toMatch(/\r\n\r\n$/)
    }
  })

  it('closes its side at once, and reads on what the peer still sends', async () => {
    bench.use(ignoresBody)
    const length = 2_000_000
    const connection = await WireConnection.open(bench.address)
    await connection.write(uwsgiPacket(uwsgiVars(gatewayParams({ method: 'POST', length }))))
    expect(await connection.whenEnded()).toBe('end')
    expect(connection.received().toString('latin1')).toMatch(/not read$/)
    // A close with unread bytes would be a reset here.
    await connection.write(new Uint8Array(length))
    expect(connection.ending).toBe('end')
    expect(await settled(() => connection.socket.writableLength, 'the rest of the body', 50)).toBe(0)
    connection.destroy()
  })
})

over(
  UWSGI,
  'a uwsgi peer that is slow',
  (bench) => {
    it('[15] loses its connection when the packet does not come in time', async () => {
      const connection = await WireConnection.open(bench.address)
      await connection.write(uwsgiRequest(GET).subarray(0, 10))
      await connection.whenEnded()
      expect(connection.receivedBytes).toBe(0)
      connection.destroy()
      await bench.log.whenCode('TSGI_ERR_HEADER_TIMEOUT')
    })
  },
  { server: { headerTimeoutMs: 100 } },
)
