import { expect, it } from 'vitest'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as echoEnviron } from '../fixtures/apps/echo-environ.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as ignoresBody } from '../fixtures/apps/ignores-body.ts'
import { concat, latin1 } from '../wire/bytes.ts'
import { WireConnection } from '../wire/connection.ts'
import { gatewayParams } from '../wire/request.ts'
import { netstring, scgiHead, scgiHeaders, scgiRequest } from '../wire/scgi.ts'
import { DIRECT_WAYS, over } from './bench.ts'
import { settled } from '../support/until.ts'

const SCGI = DIRECT_WAYS.filter(({ wire }) => wire === 'scgi')
const GET = gatewayParams({ target: '/here' })

over(SCGI, 'an SCGI connection', (bench) => {
  /** Sends pieces and gives all that comes back until the server closes, as text. */
  async function exchangeBytes(pieces: Uint8Array[]): Promise<string> {
    const connection = await WireConnection.open(bench.address)
    await connection.writeEach(pieces)
    expect(await connection.whenEnded()).toBe('end')
    const received = connection.received()
    connection.destroy()
    return received.toString('latin1')
  }

  it('answers with a Status field and closes', async () => {
    bench.use(hello)
    const text = await exchangeBytes([scgiRequest(GET)])
    expect(text).toMatch(/^Status: 200 OK\r\n/)
    expect(text).toMatch(/\r\n\r\nhello, world\n$/)
    expect(text).not.toMatch(/HTTP\/1\.1|chunked/i)
  })

  it('takes headers and a body byte by byte', async () => {
    bench.use(echoBody)
    const bytes = scgiRequest(gatewayParams({ method: 'POST', body: latin1('hello') }), latin1('hello'))
    const text = await exchangeBytes(Array.from(bytes, (byte) => Uint8Array.of(byte)))
    expect(text).toMatch(/^Status: 200 OK\r\n[^]*\r\n\r\nhello$/)
  })

  it('takes the body in the same write, and in others', async () => {
    bench.use(echoBody)
    const body = latin1('hello')
    const head = scgiHead(gatewayParams({ method: 'POST', body }))
    for (const pieces of [[concat([head, body])], [head, body], [head, body.subarray(0, 2), body.subarray(2)]]) {
      expect(await exchangeBytes(pieces)).toMatch(/\r\n\r\nhello$/)
    }
  })

  it('takes headers up to the limit of 256 KiB', async () => {
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [])
      return String(String(environ.HTTP_X_FILL).length)
    })
    const room = 262_144 - scgiHeaders(['CONTENT_LENGTH', '0', 'SCGI', '1', 'HTTP_X_FILL', '', ...GET.slice(0, 4)]).length
    const block = scgiHeaders(['CONTENT_LENGTH', '0', 'SCGI', '1', 'HTTP_X_FILL', 'x'.repeat(room), ...GET.slice(0, 4)])
    expect(block).toHaveLength(262_144)
    expect(await exchangeBytes([netstring(block)])).toMatch(new RegExp(`\\r\\n\\r\\n${room}$`))
  })

  it('ignores bytes behind the body: no second request', async () => {
    const calls: string[] = []
    bench.use(async (environ, startResponse) => {
      calls.push(environ.PATH_INFO)
      const body = await environ['tsgi.input'].read()
      startResponse('200 OK', [])
      return body
    })
    const first = scgiRequest(gatewayParams({ method: 'POST', target: '/first', body: latin1('hello') }), latin1('hello'))
    const text = await exchangeBytes([concat([first, scgiRequest(gatewayParams({ target: '/second' }))])])
    expect(text).toMatch(/\r\n\r\nhello$/)
    expect(text.match(/Status:/g)).toHaveLength(1)
    expect(calls).toEqual(['/first'])
  })

  it('tells the application a length of 0 only where the client has said it', async () => {
    bench.use(echoEnviron)
    const environOf = async (params: Record<string, string>): Promise<unknown> =>
      JSON.parse((await exchangeBytes([scgiRequest(gatewayParams({ method: 'POST', params }))])).split('\r\n\r\n')[1] ?? '')
    expect(await environOf({})).not.toHaveProperty('CONTENT_LENGTH')
    expect(await environOf({ HTTP_CONTENT_LENGTH: '0' })).toHaveProperty('CONTENT_LENGTH', '0')
  })

  it('closes its side at once, and reads on what the peer still sends', async () => {
    bench.use(ignoresBody)
    const length = 2_000_000
    const connection = await WireConnection.open(bench.address)
    await connection.write(scgiHead(gatewayParams({ method: 'POST', length })))
    expect(await connection.whenEnded()).toBe('end')
    expect(connection.received().toString('latin1')).toMatch(/not read$/)
    // A close with unread bytes would be a reset here.
    await connection.write(new Uint8Array(length))
    expect(connection.ending).toBe('end')
    expect(await settled(() => connection.socket.writableLength, 'the rest of the body', 50)).toBe(0)
    connection.destroy()
  })

  it('gives the socket to an application that is asked to change the protocol', async () => {
    bench.use((environ) => {
      const socket = environ['tsgi.upgrade']?.()
      if (socket === undefined) throw new Error('no upgrade')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n')
      socket.pipe(socket)
      return null
    })
    const connection = await WireConnection.open(bench.address)
    const asking = [...GET, 'HTTP_UPGRADE', 'echo', 'HTTP_CONNECTION', 'Upgrade']
    await connection.write(concat([scgiRequest(asking), latin1('early and ')]))
    await connection.write(latin1('late'))
    await connection.when(() => connection.received().includes('late'), 'the echo')
    connection.end()
    await connection.whenEnded()
    expect(connection.received().toString('latin1')).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nearly and late$/)
    connection.destroy()
  })
})

over(
  SCGI,
  'an SCGI peer that is slow',
  (bench) => {
    it('loses its connection when the headers do not come in time', async () => {
      const connection = await WireConnection.open(bench.address)
      await connection.write(scgiRequest(GET).subarray(0, 10))
      await connection.whenEnded()
      expect(connection.receivedBytes).toBe(0)
      connection.destroy()
      await bench.log.whenCode('TSGI_ERR_HEADER_TIMEOUT')
    })
  },
  { server: { headerTimeoutMs: 100 } },
)
