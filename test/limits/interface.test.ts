import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RequestInput } from '../../src/gateway/input.ts'
import { applicationHandler } from '../../src/gateway/run-application.ts'
import * as limits from '../../src/interface/limits.ts'
import { FastcgiDecoder } from '../../src/protocol/fastcgi/index.ts'
import { ScgiDecoder } from '../../src/protocol/scgi/index.ts'
import { checkSocketPath } from '../../src/server/address.ts'
import { Admission, AdmittedRequest } from '../../src/server/admission.ts'
import type { Progress } from '../../src/server/admission.ts'
import { FastcgiConnection } from '../../src/server/fastcgi-connection.ts'
import { Server } from '../../src/server/server.ts'
import { UwsgiConnection } from '../../src/server/uwsgi-connection.ts'
import { CollectedLog } from '../conformance/collected-log.ts'
import { drive } from '../protocol/drive.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { concat, latin1 } from '../wire/bytes.ts'
import * as wire from '../wire/fastcgi.ts'
import { WireConnection } from '../wire/connection.ts'
import { gatewayParams } from '../wire/request.ts'
import { netstring, scgiHead } from '../wire/scgi.ts'
import { uwsgiRequest } from '../wire/uwsgi.ts'

const silent = applicationHandler(() => new Promise(() => {}))

/** A server with all of its limits as they are without a word. */
function server(handler = silent): Server {
  const made = new Server({ handler, log: new CollectedLog() })
  onTestFinished(async () => void (await made.drain(0)))
  return made
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('MAX_PARAMS_BYTES', () => {
  const sizes: [number, string | undefined][] = [
    [limits.MAX_PARAMS_BYTES - 1, undefined],
    [limits.MAX_PARAMS_BYTES, undefined],
    [limits.MAX_PARAMS_BYTES + 1, 'TSGI_ERR_PARAMS_TOO_LARGE'],
  ]

  it.each(sizes)('FastCGI: %i bytes', (size, error) => {
    // Two lengths, of one byte and of four, and the name.
    const pairs = wire.nameValuePairs(['A', 'b'.repeat(size - 6)])
    expect(pairs.length).toBe(size)
    const head = concat([wire.beginRequest(1), wire.stream(wire.PARAMS, 1, pairs)])
    const { events, error: thrown } = drive(new FastcgiDecoder(), [head])
    expect([events.length, thrown]).toEqual(error === undefined ? [2, undefined] : [1, error])
  })

  it.each(sizes)('SCGI: %i bytes', (size, error) => {
    const fixed = 'CONTENT_LENGTH\x000\0SCGI\x001\0A\0'
    const head = netstring(latin1(`${fixed}${'b'.repeat(size - fixed.length - 1)}\0`))
    const { events, error: thrown } = drive(new ScgiDecoder(), [head])
    expect([events.length, thrown]).toEqual(error === undefined ? [2, undefined] : [0, error])
  })
})

it('INPUT_HIGH_WATER_BYTES: the source is paused at it, not below, and goes on below it', () => {
  const said: string[] = []
  const input = new RequestInput({ pauseInput: () => said.push('pause'), resumeInput: () => said.push('resume') })
  input.push(new Uint8Array(limits.INPUT_HIGH_WATER_BYTES - 1))
  expect(said).toEqual([])
  input.push(new Uint8Array(1))
  expect(said).toEqual(['pause'])
  input.push(new Uint8Array(1))
  input.shift()
  expect(said).toEqual(['pause', 'resume'])
})

it('OUTPUT_HIGH_WATER_BYTES: a connection says that it is full at it, not below', async () => {
  const path = join(temporary(), 's')
  const writes: boolean[] = []
  const handler = applicationHandler((environ) => {
    const stream = environ['tsgi.upgrade']?.()
    if (stream === undefined) throw new Error('no upgrade')
    // Else the system takes at once what is written.
    stream.cork()
    writes.push(stream.write(Buffer.alloc(limits.OUTPUT_HIGH_WATER_BYTES - 1)), stream.write('x'), stream.write('x'))
    stream.end()
    return null
  })
  await server(handler).listen({ type: 'unix', path })
  for (const bytes of [
    uwsgiRequest(gatewayParams({ headers: [['Connection', 'upgrade'], ['Upgrade', 'x']] })), // prettier-ignore
    scgiHead(gatewayParams({ headers: [['Connection', 'upgrade'], ['Upgrade', 'x']] })), // prettier-ignore
  ]) {
    const connection = await WireConnection.open({ type: 'unix', path })
    await connection.write(bytes)
    await connection.whenEnded()
    connection.destroy()
    expect(writes.splice(0)).toEqual([true, false, false])
  }
})

describe('MAX_QUEUED_REQUESTS', () => {
  class Waiting extends AdmittedRequest {
    waits = false
    refused = false
    override wait(): void {
      this.waits = true
    }
    override start(): void {}
    override get progress(): Progress {
      return { label: '', begun: false, status: 0 }
    }
    override timeOut(): boolean {
      return true
    }
    override refuse(): void {
      this.refused = true
      this.done()
    }
  }

  it('so many wait, and one more is refused', () => {
    const admission = Admission.for({ requestTimeoutMs: 0, workerConcurrency: 1, queueTimeoutMs: 60_000 }, new CollectedLog())
    if (admission === undefined) throw new Error('nothing is limited')
    const all = Array.from({ length: limits.MAX_QUEUED_REQUESTS + 2 }, () => new Waiting(admission))
    for (const request of all) admission.begin(request)
    // The first is served.
    const [served, ...others] = all
    expect(served).toMatchObject({ waits: false, refused: false })
    expect(others[limits.MAX_QUEUED_REQUESTS - 2]).toMatchObject({ waits: true, refused: false })
    expect(others[limits.MAX_QUEUED_REQUESTS - 1]).toMatchObject({ waits: true, refused: false })
    expect(others[limits.MAX_QUEUED_REQUESTS]).toMatchObject({ waits: false, refused: true })
    for (const request of all) request.done()
  })
})

describe('times', () => {
  /** A stand-in for a socket, which says whether it was ended. */
  function standIn(): Socket {
    // The stream's part of a socket is all that a connection uses here.
    return Object.assign(new PassThrough(), { destroySoon: () => {} }) as unknown as Socket
  }

  it('HEADER_TIMEOUT_MS: for the params that FastCGI has begun', () => {
    const owner = server()
    const socket = standIn()
    const connection = new FastcgiConnection(owner, socket)
    const head = Buffer.from(wire.beginRequest(1))
    connection.receive(head, head.length)
    connection.checkTimeouts(owner.clock + limits.HEADER_TIMEOUT_MS - 1)
    connection.checkTimeouts(owner.clock + limits.HEADER_TIMEOUT_MS)
    expect(socket.writableEnded).toBe(false)
    connection.checkTimeouts(owner.clock + limits.HEADER_TIMEOUT_MS + 1)
    expect(socket.writableEnded).toBe(true)
  })

  it('HEADER_TIMEOUT_MS: for the head of a uwsgi request', () => {
    const owner = server()
    const socket = standIn()
    const connection = new UwsgiConnection(owner, socket)
    connection.receive(Buffer.from([0]), 1)
    connection.checkTimeouts(owner.clock + limits.HEADER_TIMEOUT_MS)
    expect(socket.writableEnded).toBe(false)
    connection.checkTimeouts(owner.clock + limits.HEADER_TIMEOUT_MS + 1)
    expect(socket.writableEnded).toBe(true)
  })

  it('KEEP_ALIVE_TIMEOUT_MS: for a FastCGI connection without a request', () => {
    const owner = server()
    const socket = standIn()
    const connection = new FastcgiConnection(owner, socket)
    connection.checkTimeouts(owner.clock + limits.KEEP_ALIVE_TIMEOUT_MS - 1)
    connection.checkTimeouts(owner.clock + limits.KEEP_ALIVE_TIMEOUT_MS)
    expect(socket.writableEnded).toBe(false)
    connection.checkTimeouts(owner.clock + limits.KEEP_ALIVE_TIMEOUT_MS + 1)
    expect(socket.writableEnded).toBe(true)
  })

  it('LINGER_TIMEOUT_MS: for a client that does not close what is closed here', () => {
    const owner = server()
    const socket = standIn()
    const connection = new FastcgiConnection(owner, socket)
    connection.drain()
    connection.checkTimeouts(owner.clock + limits.LINGER_TIMEOUT_MS)
    expect(socket.destroyed).toBe(false)
    connection.checkTimeouts(owner.clock + limits.LINGER_TIMEOUT_MS + 1)
    expect(socket.destroyed).toBe(true)
  })
})

/** Connects again and again, waits for none to be accepted, and says how many could be made. */
const CONNECTS = `
const { connect } = require('node:net')
let connected = 0
const next = () => {
  const socket = connect(process.argv[1])
  socket.on('connect', () => (connected++, connected > Number(process.argv[2]) ? done('no end') : next()))
  socket.on('error', ({ code }) => done(code))
}
const done = (why) => (console.log(JSON.stringify({ connected, why })), process.exit())
next()
`

requires('proc').describe('LISTEN_BACKLOG', () => {
  it('so many connections wait while nobody accepts them, as far as the system allows; the next one is refused', async () => {
    const path = join(temporary(), 's')
    await server().listen({ type: 'unix', path })
    const allowed = Math.min(limits.LISTEN_BACKLOG, Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')))
    // Meanwhile this process does nothing else.
    const { stdout } = spawnSync(process.execPath, ['-e', CONNECTS, path, String(allowed + 10)], { encoding: 'utf8' })
    const { connected, why } = JSON.parse(stdout) as { connected: number; why: string }
    expect(why).toBe('EAGAIN')
    // Linux counts from 0.
    expect([allowed, allowed + 1]).toContain(connected)
  })
})

describe('MAX_SOCKET_PATH_BYTES', () => {
  it('a path of so many bytes is taken, one of more is not', () => {
    for (const size of [limits.MAX_SOCKET_PATH_BYTES - 1, limits.MAX_SOCKET_PATH_BYTES]) {
      expect(() => checkSocketPath(`/${'a'.repeat(size - 1)}`)).not.toThrow()
    }
    for (const path of [`/${'a'.repeat(limits.MAX_SOCKET_PATH_BYTES)}`, `/${'ä'.repeat(limits.MAX_SOCKET_PATH_BYTES / 2 + 1)}`]) {
      expect(() => checkSocketPath(path)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_SOCKET_PATH_TOO_LONG' }))
    }
  })

  it('a server listens where there is room for the name that a socket has until it is ready, and says so where there is none', async () => {
    const folder = temporary()
    const pathOf = (size: number): string => join(folder, 'a'.repeat(size - Buffer.byteLength(folder) - 1))
    // A dot and six digits.
    const longest = limits.MAX_SOCKET_PATH_BYTES - 7
    for (const size of [longest - 1, longest]) {
      await server().listen({ type: 'unix', path: pathOf(size) })
      expect(existsSync(pathOf(size))).toBe(true)
    }
    await expect(server().listen({ type: 'unix', path: pathOf(longest + 1) })).rejects.toMatchObject({
      code: 'TSGI_ERR_SOCKET_PATH_TOO_LONG',
    })
    await until(() => !existsSync(pathOf(longest + 1)), 'nothing there')
  })
})
