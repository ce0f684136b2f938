import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { attach, serve } from '../../src/index.ts'
import type { AttachOptions, RunningServer, ServeOptions } from '../../src/index.ts'
import { exchange } from '../wire/exchange.ts'
import type { Wire } from '../wire/exchange.ts'

const WIRES: readonly Wire[] = ['uwsgi', 'fastcgi', 'http']

async function socketPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tsgi-serve-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'app.sock')
}

/** Starts a server on a socket of its own; the test's end closes it. */
async function started(
  start: (options: AttachOptions) => Promise<RunningServer>,
): Promise<{ path: string; server: RunningServer }> {
  const path = await socketPath()
  const server = await start({ bind: `unix:${path}` })
  onTestFinished(() => server.close())
  return { path, server }
}

async function ask(path: string, wire: Wire, target = '/'): Promise<string> {
  const answer = await exchange({ type: 'unix', path }, wire, { target })
  expect(answer.state).toBe('complete')
  return answer.text
}

describe.each(WIRES)('over %s, serve()', (wire) => {
  it('serves a (req, res) function', async () => {
    const { path } = await started((options) =>
      serve({ listener: (_request, response) => void response.end('listener'), ...options }),
    )
    expect(await ask(path, wire)).toBe('listener')
  })

  it('serves an Express application', async () => {
    const file = new URL('../fixtures/apps/express-app.js', import.meta.url)
    const { default: app } = (await import(file.href)) as { default: object }
    const { path } = await started((options) => serve({ listener: app, ...options }))
    expect(await ask(path, wire, '/hello')).toBe('/hello http')
    expect(await ask(path, wire, '/nowhere')).toContain('Cannot GET /nowhere')
  })

  it('serves a fetch function', async () => {
    const fetch = (request: Request): Response => new Response(new URL(request.url).pathname)
    const { path } = await started((options) => serve({ fetch, ...options }))
    expect(await ask(path, wire, '/a/b')).toBe('/a/b')
  })

  it('finishes requests before it closes', async () => {
    let answer: (() => void) | undefined
    const { path, server } = await started((options) =>
      serve({ listener: (_request, response) => (answer = () => response.end('late')), ...options }),
    )
    const asked = ask(path, wire)
    await expect.poll(() => answer).toBeDefined()
    const closed = server.close()
    answer?.()
    expect(await asked).toBe('late')
    await closed
    expect(server.requestsInFlight).toBe(0)
  })
})

it('serve() says what it needs', async () => {
  // What a program without types may do.
  const nothing = { bind: `unix:${await socketPath()}` } as unknown as ServeOptions
  await expect(serve(nothing)).rejects.toMatchObject({ code: 'TSGI_ERR_APP_EXPORT' })
})

describe('attach()', () => {
  it.each(WIRES)('serves the requests of a server that also listens, over %s', async (wire) => {
    const http = createServer((request, response) => response.end(`${request.url} by its listener`))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    onTestFinished(() => void http.close())
    const { path } = await started((options) => attach(http, options))
    expect(await ask(path, wire, '/x')).toBe('/x by its listener')
    const { port } = http.address() as AddressInfo
    expect(await (await fetch(`http://127.0.0.1:${port}/y`)).text()).toBe('/y by its listener')
  })

  it('calls listeners that are added later', async () => {
    const http = createServer()
    const { path } = await started((options) => attach(http, options))
    http.on('request', (_request, response) => response.end('added later'))
    expect(await ask(path, 'fastcgi')).toBe('added later')
  })

  it('serves its upgrades', async () => {
    const http = createServer()
    new WebSocketServer({ server: http }).on('connection', (socket) => {
      socket.on('message', (data) => socket.send(`echo ${String(data)}`))
    })
    const { path } = await started((options) => attach(http, options))
    const socket = new WebSocket(`ws+unix://${path}:/`)
    await once(socket, 'open')
    socket.send('a')
    const [data] = (await once(socket, 'message')) as [Buffer]
    expect(data.toString()).toBe('echo a')
    socket.close()
    await once(socket, 'close')
  })
})
