import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { accountOf } from '../../src/process/account.ts'
import { spawnWithRights, tryRights, workerRights } from '../../src/process/worker-rights.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { fixture, get, Served } from './served.ts'

/** Debian's, and in no other group. */
const WEB = { name: 'www-data', id: 33 }

interface Told {
  readonly [name: string]: unknown
}

/** A directory that everybody may enter, with the application in it. */
function readable(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tsgi-test-')))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  chmodSync(directory, 0o755)
  copyFileSync(fixture('tells-its-rights.js'), join(directory, 'app.mjs'))
  return directory
}

/** A server, started by root, and what its application finds. */
async function told(...args: string[]): Promise<{ told: Told; served: Served; socket: string; directory: string }> {
  const directory = readable()
  const socket = join(directory, 'socket')
  const served = await new Served({
    args: [join(directory, 'app.mjs'), '--bind', `unix:${socket}`, ...args],
    // root has groups of its own, which nobody must keep.
    wrapper: ['setpriv', '--groups', '4,24,27', '--'],
  }).ready()
  const answer = JSON.parse((await get(socket)).body) as Told
  return { told: answer, served, socket, directory }
}

const { describe } = requires('dist', 'proc', 'root', 'setpriv')

describe('--user and --group', () => {
  it('make the workers that user, with its groups alone, while the master stays root', async () => {
    const { told: worker, served, socket } = await told('--user', WEB.name)
    expect(worker).toMatchObject({
      uid: '33\t33\t33\t33',
      gid: '33\t33\t33\t33',
      groups: '',
      home: '/var/www',
      user: WEB.name,
      descriptors: true,
    })
    expect(statSync(`/proc/${served.pid}`).uid).toBe(0)
    expect(served.output).not.toContain('running as root')
    // As Gunicorn's, the socket is the workers'.
    expect(statSync(socket)).toMatchObject({ uid: 33, gid: 33 })
    served.kill('SIGHUP')
    await served.until(/reloaded: 1/)
    expect(JSON.parse((await get(socket)).body)).toMatchObject({ uid: '33\t33\t33\t33', groups: '' })
  })

  it('make the access log theirs, also a new one, but never the file behind a link', async () => {
    const directory = readable()
    const [log, target] = [join(directory, 'access.log'), join(directory, 'target')]
    const { served, socket } = await told('--user', WEB.name, '--access-log', log)
    expect(statSync(log)).toMatchObject({ uid: 33, gid: 33 })
    renameSync(log, join(directory, 'old.log'))
    served.kill('SIGUSR1')
    await served.until(/log files opened anew/)
    await until(() => existsSync(log) && statSync(log).uid === 33, 'the new log')
    expect((await get(socket)).status).toBe(200)
    rmSync(log)
    writeFileSync(target, '')
    symlinkSync(target, log)
    served.kill('SIGUSR1')
    await served.until(/opened anew[^]*opened anew/)
    expect(statSync(target).uid).toBe(0)
  })

  it('take numbers, also such as the system does not know', async () => {
    const { told: worker } = await told('--user', '12345', '--group', '23456')
    expect(worker).toMatchObject({ uid: '12345\t12345\t12345\t12345', gid: '23456\t23456\t23456\t23456', groups: '' })
  })

  it('are a warning where root runs without', async () => {
    const { told: worker, served } = await told()
    expect(worker['uid']).toBe('0\t0\t0\t0')
    await served.until(/warn .*running as root: the application is root, too/)
  })

  it('give a user the groups that it has beside its own', async () => {
    const rights = { account: { uid: 33, gid: 33, groups: [4, 24] } }
    const child = spawnWithRights('cat', ['/proc/self/status'], { stdio: ['ignore', 'pipe', 'inherit'] }, rights)
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    await once(child, 'close')
    expect(text).toMatch(/^Uid:\t33\t33\t33\t33$/m)
    expect(text).toMatch(/^Gid:\t33\t33\t33\t33$/m)
    expect(text).toMatch(/^Groups:\t4 24 $/m)
  })

  it('are refused with the reason before anything is started', async () => {
    for (const [args, reason] of [
      [['--user', 'no-such-user'], /TSGI_ERR_OPTION .*--user "no-such-user": there is no such user/],
      [['--group', 'no-such-group'], /TSGI_ERR_OPTION .*--group "no-such-group": \/etc\/group has no such group/],
      [['--user', '12345'], /TSGI_ERR_OPTION .*"12345": the system does not know this number's group; give --group, too/],
      [['--socket-owner', 'no-such-user'], /TSGI_ERR_OPTION .*--socket-owner "no-such-user": there is no such user/],
      [['--chdir', '/no/such/directory'], /TSGI_ERR_OPTION .*--chdir "\/no\/such\/directory": there is no such directory/],
    ] as const) {
      const directory = readable()
      const served = new Served({ args: [join(directory, 'app.mjs'), '--bind', `unix:${directory}/s`, ...args] })
      expect(await served.ended).toBe(2)
      expect(served.output).toMatch(reason)
    }
  })

  it('need root', async () => {
    const directory = readable()
    for (const [args, reason] of [
      [['--user', 'root'], /TSGI_ERR_OPTION .*--user "root": only root can change who the workers are; this process is uid 33/],
      [['--nice', '-5'], /TSGI_ERR_OPTION .*--nice -5: only root can give a higher priority/],
    ] as const) {
      const served = new Served({
        args: [join(directory, 'app.mjs'), '--bind', 'unix:/tmp/never', ...args],
        wrapper: ['setpriv', '--reuid', '33', '--regid', '33', '--clear-groups', '--'],
      })
      expect(await served.ended).toBe(2)
      expect(served.output).toMatch(reason)
    }
    // The account that runs already is no change.
    expect(accountOf(undefined, undefined)).toBeUndefined()
  })

  it('are refused where that user cannot read what it is to run', async () => {
    const directory = readable()
    const entry = join(directory, 'worker.js')
    writeFileSync(entry, '')
    const rights = workerRights({ user: WEB.name, group: undefined, umask: undefined, nice: undefined, chdir: undefined })
    await tryRights(rights, entry)
    chmodSync(entry, 0o600)
    await expect(tryRights(rights, entry)).rejects.toThrow(/--user: www-data \(33:33\) cannot run ".*" or read .*; install Node/)
  })
})

describe('--umask, --nice and --chdir', () => {
  it('are the workers’', async () => {
    const other = readable()
    const { told: worker, served } = await told('--umask', '027', '--nice', '7')
    expect(worker).toMatchObject({ umask: '0027', nice: 7 })
    expect(served.output).toContain('Ready')
    const socket = join(other, 'socket')
    // The application is looked for there; the socket's path is from where the command runs.
    const from = basename(other)
    await new Served({ args: ['app.mjs', '--chdir', from, '--bind', `unix:${from}/socket`], cwd: tmpdir() }).ready()
    expect(JSON.parse((await get(socket)).body)).toMatchObject({ directory: other })
  })
})

describe('a unix socket', () => {
  it.each(['0', '0777'])('gets owner, group and mode whatever the umask, here %s', async (umask) => {
    const directory = readable()
    const socket = join(directory, 'socket')
    const args = [join(directory, 'app.mjs'), '--bind', `unix:${socket}`]
    await new Served({
      args: [...args, '--user', WEB.name, '--socket-owner', '12345', '--socket-group', 'adm', '--socket-mode', '640'],
      wrapper: ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'],
    }).ready()
    const { uid, gid, mode } = statSync(socket)
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 12345, gid: 4, mode: 0o640 })
  })
})
