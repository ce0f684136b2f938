import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ControlSocket } from '../../src/process/control-socket.ts'
import { openRuntimeDirectory, removeStaleSockets, runtimeDirectories, userId } from '../../src/process/runtime-directory.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { ControlPeer } from './control-peer.ts'
import { temporaryDirectory } from './served.ts'

/** The directory that this user has where the session has its own; nothing is there yet. */
function inSession(): string {
  const session = temporaryDirectory()
  vi.stubEnv('XDG_RUNTIME_DIR', session)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  return join(session, 'tsgi')
}

/** A socket that nobody listens on, as a process leaves it that is killed. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.bound`)
  await once(server, 'listening')
  // Only the name that was bound goes with the server.
  renameSync(`${path}.bound`, path)
  server.close()
  await once(server, 'close')
}

describe('the directory of control sockets', () => {
  it('is made private, whatever the umask', () => {
    const directory = inSession()
    const umask = process.umask(0o777)
    try {
      expect(openRuntimeDirectory()).toBe(directory)
    } finally {
      process.umask(umask)
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(runtimeDirectories(userId())).toContain(directory)
  })

  it('is not one that others may enter, a link, or a file: the next place is taken, and clients do not look there', () => {
    const elsewhere = temporaryDirectory()
    chmodSync(elsewhere, 0o700)
    const traps: ((directory: string) => void)[] = [
      (directory) => {
        mkdirSync(directory)
        chmodSync(directory, 0o770)
      },
      (directory) => symlinkSync(elsewhere, directory),
      (directory) => writeFileSync(directory, ''),
    ]
    for (const trap of traps) {
      const directory = inSession()
      trap(directory)
      expect(openRuntimeDirectory()).not.toBe(directory)
      expect(runtimeDirectories(userId())).not.toContain(directory)
    }
  })

  requires('root').test('is not one of another user', () => {
    const directory = inSession()
    mkdirSync(directory, { mode: 0o700 })
    chownSync(directory, 65_534, 65_534)
    expect(openRuntimeDirectory()).not.toBe(directory)
    expect(runtimeDirectories(userId())).not.toContain(directory)
  })

  it('is cleared of sockets that nobody answers on, and of nothing else', async () => {
    const directory = temporaryDirectory()
    const live = createServer().listen(join(directory, '1.sock'))
    onTestFinished(() => {
      live.close()
    })
    for (const name of ['999999.sock', '999999.sock.abcdef', `${process.pid}.sock.abcdef`, 'app.sock']) {
      await leaveSocket(join(directory, name))
    }
    writeFileSync(join(directory, '3.sock'), '')
    symlinkSync('/nowhere/ctl.sock', join(directory, '2.sock'))
    await removeStaleSockets(directory)
    expect(readdirSync(directory).toSorted()).toEqual(['1.sock', '3.sock', 'app.sock', `${process.pid}.sock.abcdef`].toSorted())
  })
})

describe('a control socket whose name was removed', () => {
  it('is there again, link and all, with the clients that it had', async () => {
    const directory = inSession()
    const path = join(temporaryDirectory(), 'ctl.sock')
    const logged: string[] = []
    const log = (message: string): void => void logged.push(message)
    const socket = new ControlSocket({
      path,
      takeOver: false,
      log: { error: log, warn: log, info: log, debug: log },
      run: async ({ command }) => ({ command }),
      lookMs: 20,
    })
    await socket.listen()
    const link = join(directory, `${process.pid}.sock`)
    const earlier = await ControlPeer.connect(link)
    for (const name of [path, link]) {
      unlinkSync(name)
      const before = logged.length
      await until(() => logged.length > before, 'the line about it')
      expect(await (await ControlPeer.connect(link)).ask({ command: 'reload' })).toMatchObject({ result: { command: 'reload' } })
    }
    expect(logged).toHaveLength(2)
    for (const line of logged) expect(line).toContain('it is there again')
    expect(await earlier.ask({ command: 'status' })).toMatchObject({ ok: true })
    await socket.close()
    await until(() => earlier.closed, 'the end of the client')
    expect(readdirSync(join(path, '..'))).toEqual([])
  })
})
