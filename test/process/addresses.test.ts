import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { requires } from '../support/requirements.ts'
import { fixture, get, Served, servingPid, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist')

describe('a unix socket', () => {
  test('has its mode whatever the umask', async () => {
    const directory = temporaryDirectory()
    for (const [umask, args, mode] of [
      [0o077, [], 0o660],
      [0o000, [], 0o660],
      [0o077, ['--socket-mode', '606'], 0o606],
    ] as const) {
      const before = process.umask(umask)
      onTestFinished(() => void process.umask(before))
      const socket = join(directory, `${umask}-${mode}.sock`)
      await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`, ...args] }).ready()
      process.umask(before)
      expect(statSync(socket).mode & 0o777).toBe(mode)
    }
  })

  test('that somebody listens on is refused, with the holder named, and goes on working', async () => {
    const socket = join(temporaryDirectory(), 'app.sock')
    const first = await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`] }).ready()
    const second = new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`] })
    expect(await second.ended).toBe(1)
    expect(second.output).toMatch(
      new RegExp(`^tsgi: TSGI_ERR_ADDRESS_IN_USE .*unix:${socket}\\. pid ${first.pid} \\(.*\\) holds it; stop that`),
    )
    expect((await get(socket)).status).toBe(200)
  })

  test('is not put where something else is', async () => {
    const path = join(temporaryDirectory(), 'precious')
    writeFileSync(path, 'data')
    const served = new Served({ args: [fixture('hello.js'), '--bind', `unix:${path}`] })
    expect(await served.ended).toBe(1)
    expect(served.output).toMatch(/^tsgi: TSGI_ERR_LISTEN /)
    expect(readFileSync(path, 'utf8')).toBe('data')
  })

  test('is not removed where a successor has taken the path', async () => {
    const directory = temporaryDirectory()
    const socket = join(directory, 'app.sock')
    const first = await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`] }).ready()
    execFileSync('mv', [socket, join(directory, 'aside.sock')])
    await new Served({ args: [fixture('hello.js'), '--bind', `unix:${socket}`] }).ready()
    const { ino } = lstatSync(socket)
    first.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(lstatSync(socket).ino).toBe(ino)
    expect((await get(socket)).status).toBe(200)
  })

  test('needs a directory that is there', async () => {
    const served = new Served({
      args: [fixture('hello.js'), '--bind', `unix:${join(temporaryDirectory(), 'missing', 'app.sock')}`],
    })
    expect(await served.ended).toBe(1)
    expect(served.output).toMatch(/TSGI_ERR_LISTEN .*there is no directory .*missing"; make it first/)
  })
})

describe('a TCP port', () => {
  test('in use is refused, with the holder named', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await new Promise((resolve) => other.once('listening', resolve))
    // A server that listens on TCP has an address that is no text.
    const { port } = other.address() as AddressInfo
    const served = new Served({ args: [fixture('hello.js'), '--bind', `127.0.0.1:${port}`] })
    expect(await served.ended).toBe(1)
    expect(served.output).toMatch(
      new RegExp(`^tsgi: TSGI_ERR_ADDRESS_IN_USE .*127\\.0\\.0\\.1:${port}\\. pid ${process.pid} \\(`),
    )
  })

  test('of an address that this machine does not have is refused', async () => {
    const served = new Served({ args: [fixture('hello.js'), '--bind', '192.0.2.1:8000'] })
    expect(await served.ended).toBe(1)
    expect(served.output).toMatch(/TSGI_ERR_LISTEN .*192\.0\.2\.1:8000: this machine does not have that address/)
  })
})

describe('an inherited descriptor', () => {
  test('is served, and stays open for whoever opened it', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const served = await new Served({
      args: [fixture('hello.js'), '--bind', 'fd://3'],
      descriptors: [descriptorOf(server)],
    }).ready()
    // Both accept on it. What this process gets it does not answer, so ask until the other one has.
    server.on('connection', (socket) => socket.destroy())
    let answer: number | undefined
    while (answer === undefined) answer = await servingPid(`127.0.0.1:${port}`).catch(() => undefined)
    expect(answer).not.toBe(process.pid)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })

  test('that is no socket is refused', async () => {
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, '')
    chmodSync(file, 0o600)
    const served = new Served({ args: [fixture('hello.js'), '--bind', 'fd://0'] })
    expect(await served.ended).toBe(1)
    expect(served.output).toContain('fd://0: the inherited descriptor 0 is not a socket')
    const missing = new Served({ args: [fixture('hello.js'), '--bind', 'fd://999'] })
    expect(await missing.ended).toBe(1)
    expect(missing.output).toContain('fd://999: no descriptor 999 was inherited')
  })
})

/** The descriptor of a listening server. Node tells it to nobody else, but the handle has it. */
function descriptorOf(server: ReturnType<typeof createServer>): number {
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  return fd
}
