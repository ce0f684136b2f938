import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { attach } from '../../src/index.ts'
import type { RunningServer } from '../../src/index.ts'
import { applicationHandler } from '../../src/gateway/run-application.ts'
import type { Application } from '../../src/interface/application.ts'
import { Server } from '../../src/server/server.ts'
import { application as echoEnviron } from '../fixtures/apps/echo-environ.ts'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as ignoresBody } from '../fixtures/apps/ignores-body.ts'
import { application as shortStream } from '../fixtures/apps/short-stream.ts'
import { startLighttpd, type RunningLighttpd } from '../support/lighttpd.ts'
import { requires } from '../support/requirements.ts'
import { pattern } from '../wire/bytes.ts'
import { exchange, type Answer } from '../wire/exchange.ts'
import type { WireRequest } from '../wire/request.ts'
import { expectComplete } from './bench.ts'
import { CollectedLog } from './collected-log.ts'

requires('lighttpd').describe('behind lighttpd, by mod_scgi', () => {
  const log = new CollectedLog()
  let directory = ''
  let application: Application = hello
  let server: Server
  let sockets: RunningServer
  let node: HttpServer
  let lighttpd: RunningLighttpd

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tsgi-wire-'))
    server = new Server({ handler: applicationHandler((environ, start) => application(environ, start)), log })
    await server.listen({ type: 'unix', path: join(directory, 'app.sock') })
    node = createServer((_request, response) => void response.end('plain'))
    const webSockets = new WebSocketServer({ server: node })
    webSockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
    sockets = await attach(node, { bind: `unix:${join(directory, 'node.sock')}`, log })
    lighttpd = await startLighttpd(() => [
      'server.modules = ( "mod_scgi", "mod_proxy" )',
      'server.stream-response-body = 1',
      `scgi.server = ( "/" => (( "socket" => "${join(directory, 'app.sock')}", "check-local" => "disable", "fix-root-scriptname" => "enable" )) )`,
      '$HTTP["url"] =^ "/ws" {',
      '  scgi.server = ()',
      `  proxy.server = ( "" => (( "host" => "${join(directory, 'node.sock')}" )) )`,
      '  proxy.header = ( "upgrade" => "enable" )',
      '}',
    ])
  })
  afterAll(async () => {
    await lighttpd.stop()
    await server.drain(1000)
    await sockets.close()
    await rm(directory, { recursive: true, force: true })
  })

  const send = (request: WireRequest): Promise<Answer> =>
    exchange({ type: 'tcp', host: '127.0.0.1', port: lighttpd.port }, 'http', request)

  it('answers, with everything that a response has', async () => {
    application = (_environ, startResponse) => {
      startResponse('418 Short and Stout', [
        ['Set-Cookie', 'a=b'],
        ['Set-Cookie', 'c=d'],
        ['X-Latin', 'caf\xe9'],
      ])
      return ['tea']
    }
    const answer = await send({})
    expectComplete(answer, 418)
    expect(answer.all('set-cookie')).toEqual(['a=b', 'c=d'])
    expect(answer.all('x-latin')).toEqual(['caf\xe9'])
    expect(answer.all('content-length')).toEqual(['3'])
    expect(answer.text).toBe('tea')
    application = hello
    expectComplete(await send({ method: 'HEAD' }))
  })

  it('tells of a request as every other wire does', async () => {
    application = echoEnviron
    const answer = await send({
      target: '/a%2Fb//c?x=1',
      headers: [
        ['X-A', 'one'],
        ['X-A', 'two'],
      ],
    })
    expectComplete(answer)
    const environ = JSON.parse(answer.text) as Record<string, unknown>
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      REQUEST_URI: '/a%2Fb//c?x=1',
      SCRIPT_NAME: '',
      PATH_INFO: '/a/b//c',
      QUERY_STRING: 'x=1',
      HTTP_X_A: 'one, two',
      REMOTE_ADDR: '127.0.0.1',
      SERVER_NAME: 'tsgi.test',
      'tsgi.url_scheme': 'http',
    })
    expect(environ).not.toHaveProperty('CONTENT_LENGTH')
  })

  it.each([10, 100_000, 1_000_000])('carries a body of %d bytes, with a length and in chunks, both ways', async (length) => {
    application = echoBody
    const body = pattern(length)
    for (const request of [{ body }, { body, length: 'chunked' as const }]) {
      const answer = await send({ method: 'POST', ...request })
      expectComplete(answer)
      expect(Buffer.compare(answer.body, body)).toBe(0)
    }
    application = ignoresBody
    const unread = await send({ method: 'POST', body })
    expectComplete(unread)
    expect(unread.text).toMatch(/not read$/)
  })

  it('never shows a response that is shorter than its length as a whole one', async () => {
    application = shortStream
    expect((await send({})).state).toBe('broken')
    await log.whenCode('TSGI_ERR_BODY_TOO_SHORT')
  })

  it('carries a WebSocket by mod_proxy, over HTTP on the same kind of socket', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${lighttpd.port}/ws`)
    const echoed = await new Promise<string>((resolve, reject) => {
      socket.on('open', () => socket.send('through the tunnel'))
      socket.on('message', (data: Buffer) => resolve(data.toString('utf8')))
      socket.on('error', reject)
    })
    expect(echoed).toBe('through the tunnel')
    socket.close()
  })

  it('answers a head over its own limit by itself', async () => {
    application = hello
    const answer = await send({ headers: [['X-Long', 'x'.repeat(20_000)]] })
    expect(answer.status).toBe(431)
  })
})
