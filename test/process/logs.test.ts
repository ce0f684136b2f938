import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, statfsSync, statSync, writeFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { requires } from '../support/requirements.ts'
import { repeatUntil, until } from '../support/until.ts'
import { childrenOf, fixture, get, Served, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist', 'proc')

/** A server with logs in a directory of its own. */
class Logged {
  readonly directory: string
  readonly socket: string
  readonly access: string
  readonly error: string
  served: Served | undefined

  constructor(directory = temporaryDirectory()) {
    this.directory = directory
    this.socket = join(temporaryDirectory(), 'app.sock')
    this.access = join(directory, 'access.log')
    this.error = join(directory, 'error.log')
  }

  async serve(...args: string[]): Promise<Served> {
    this.served = new Served({ args: [fixture('talks.mjs'), '--bind', `unix:${this.socket}`, ...args] })
    return this.served.ready()
  }

  read(file: string): string {
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  /** Asks for `/0`, `/1` and so on over kept connections until it is stopped; resolves with how many were answered. */
  load(clients = 8): { count: () => number; stop: () => Promise<number> } {
    const agent = new Agent({ keepAlive: true })
    let going = true
    let asked = 0
    let answered = 0
    const ask = (): Promise<void> =>
      new Promise((resolve, reject) => {
        request({ socketPath: this.socket, path: `/${asked++}?${'x'.repeat(300)}`, agent }, (response) => {
          response.resume().on('end', () => {
            answered += 1
            resolve()
          })
        })
          .on('error', reject)
          .end()
      })
    const all = Promise.all(
      Array.from({ length: clients }, async () => {
        while (going) await ask()
      }),
    )
    return {
      count: () => answered,
      stop: async () => {
        going = false
        await all
        agent.destroy()
        return answered
      },
    }
  }
}

/** The numbers of the requests in a log; every line is whole. */
function numbersIn(text: string): number[] {
  if (text === '') return []
  expect(text.endsWith('\n')).toBe(true)
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const match = /^- - - \[[^\]]+\] "GET \/(\d+)\?x{300} HTTP\/1\.1" 200 \d+ "-" "-"$/.exec(line)
      if (match === null) throw new Error(`no whole line: ${line}`)
      return Number(match[1])
    })
}

function everyNumber(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

describe('the access log', () => {
  test('loses and splits no line while it is moved away under load by four workers, and has all of them after the end', async () => {
    const logged = new Logged()
    const served = await logged.serve('--workers', '4', '--access-log', logged.access)
    const load = logged.load()
    const moved: string[] = []
    for (let round = 1; round <= 3; round += 1) {
      const before = load.count()
      await until(() => load.count() > before + 500, 'some load')
      const inode = statSync(logged.access).ino
      moved.push(`${logged.access}.${round}`)
      renameSync(logged.access, `${logged.access}.${round}`)
      // A reload opens them anew as well.
      served.kill(round === 3 ? 'SIGHUP' : 'SIGUSR1')
      await until(() => existsSync(logged.access) && statSync(logged.access).size > 0, 'the new file')
      expect(statSync(logged.access).ino).not.toBe(inode)
    }
    const count = await load.stop()
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    const numbers = [...moved, logged.access].flatMap((file) => numbersIn(logged.read(file)))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(everyNumber(count))
  })

  test('is moved away by size, without a loss, and so many are kept', async () => {
    const logged = new Logged()
    const served = await logged.serve(
      '--workers',
      '2',
      '--access-log',
      logged.access,
      '--max-log-size',
      '100k',
      '--rotate-logs',
      '2',
    )
    const load = logged.load()
    await until(() => existsSync(`${logged.access}.1`), 'the first move')
    const count = await load.stop()
    await until(() => statSync(logged.access).size < 100 * 1024, 'the last move')
    const files = [`${logged.access}.2`, `${logged.access}.1`, logged.access]
    const all = (): number[] => files.flatMap((file) => numbersIn(logged.read(file)))
    await until(() => all().length === count, 'all lines')
    expect(all().toSorted((a, b) => a - b)).toEqual(everyNumber(count))
    // Two are kept, however many follow.
    const more = logged.load()
    let moves = 0
    let inode = statSync(logged.access).ino
    await until(() => {
      const now = statSync(logged.access, { throwIfNoEntry: false })?.ino ?? inode
      if (now !== inode) moves += 1
      inode = now
      return moves === 3
    }, 'three moves')
    await more.stop()
    expect(existsSync(`${logged.access}.2`)).toBe(true)
    expect(existsSync(`${logged.access}.3`)).toBe(false)
    served.kill('SIGTERM')
    await served.ended
  })

  test('comes back when somebody has removed it', async () => {
    const logged = new Logged()
    await logged.serve('--access-log', logged.access, '--max-log-size', '1MB')
    const load = logged.load()
    await until(() => statSync(logged.access).size > 0, 'lines')
    rmSync(logged.access)
    await until(() => (statSync(logged.access, { throwIfNoEntry: false })?.size ?? 0) > 0, 'lines in a new file')
    await load.stop()
  })

  test('on standard output has whole lines of all workers', async () => {
    const logged = new Logged()
    const served = await logged.serve('--workers', '4', '--access-log', '-')
    const load = logged.load()
    await until(() => load.count() > 1000, 'some load')
    const count = await load.stop()
    served.kill('SIGTERM')
    await served.ended
    const lines = served.output.split('\n').filter((line) => line.includes('?xx'))
    expect(numbersIn(`${lines.join('\n')}\n`).toSorted((a, b) => a - b)).toEqual(everyNumber(count))
  })

  test('takes atoms and JSON', async () => {
    const logged = new Logged()
    const served = await logged.serve(
      '--access-logfile',
      logged.access,
      '--access-logformat',
      '%(m)s %(U)s %(s)s %({Content-Type}o)s',
    )
    await get(logged.socket, '/x?y')
    await until(() => logged.read(logged.access) === 'GET /x 200 text/plain\n', 'the line')
    served.kill('SIGTERM')
    await served.ended
  })

  test('that cannot be opened, or has no such format, is an error at the start', async () => {
    const logged = new Logged()
    const noFile = new Served({ args: [fixture('talks.mjs'), '--access-log', join(logged.directory, 'no', 'such.log')] })
    expect(await noFile.ended).toBe(1)
    expect(noFile.output).toMatch(/TSGI_ERR_LOG .*ENOENT/)
    const noFormat = new Served({ args: [fixture('talks.mjs'), '--access-log', '-', '--access-log-format', '%(y)s'] })
    expect(await noFormat.ended).toBe(2)
    expect(noFormat.output).toMatch(/TSGI_ERR_OPTION .*%\(y\)s is no atom/)
  })

  requires('root').test(
    'on a full disk costs its lines and one warning, nothing else, and goes on when there is room',
    async () => {
      const directory = temporaryDirectory()
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory])
      onTestFinished(() => void execFileSync('umount', ['-l', directory]))
      const logged = new Logged(directory)
      const served = await logged.serve('--workers', '2', '--access-log', logged.access)
      const pids = childrenOf(served.pid)
      writeFileSync(join(directory, 'ballast'), '')
      const load = logged.load(4)
      await served.until(/warn .*access log: \d+ line\(s\) of the log were lost: ENOSPC/)
      const atFull = load.count()
      await until(() => load.count() > atFull + 500, 'requests while the disk is full')
      execFileSync('mount', ['-o', 'remount,size=1m', directory])
      const before = statSync(logged.access).size
      await until(() => statSync(logged.access).size > before + 3000, 'lines again')
      await load.stop()
      expect(childrenOf(served.pid)).toEqual(pids)
      expect(served.output.match(/were lost/g)?.length).toBeLessThanOrEqual(2)
      served.kill('SIGTERM')
      expect(await served.ended).toBe(0)
      // Each worker tells at its end what it has not told yet.
      expect(served.output.match(/were lost/g)?.length).toBeLessThanOrEqual(4)
      for (const line of logged.read(logged.access).split('\n')) {
        // A line that the full disk has cut stands alone.
        expect(line.match(/GET/g)?.length ?? 0).toBeLessThanOrEqual(1)
      }
    },
  )
})

describe('the error log', () => {
  test('has what the master, the workers and the application say, and goes on in a new file', async () => {
    const logged = new Logged()
    const served = await logged.serve('--error-log', logged.error, '--workers', '1')
    for (const path of ['/out', '/err', '/errors', '/fail']) await get(logged.socket, path)
    const expected = ['is ready', 'said on stderr', 'said on tsgi.errors', 'failed as asked']
    await until(() => expected.every((text) => logged.read(logged.error).includes(text)), 'the lines')
    await served.until(/said on stdout/)
    expect(logged.read(logged.error)).not.toContain('said on stdout')
    renameSync(logged.error, `${logged.error}.1`)
    served.kill('SIGUSR1')
    await until(() => logged.read(logged.error).includes('log files opened anew'), 'the new file')
    const old = logged.read(`${logged.error}.1`)
    // The worker has been told by now, or will be before its next request: the same channel, in order.
    await repeatUntil(
      () => get(logged.socket, '/err'),
      () => logged.read(logged.error).includes('said on stderr'),
      'the worker',
    )
    for (const path of ['/errors', '/fail']) await get(logged.socket, path)
    const again = ['said on stderr', 'said on tsgi.errors', 'failed as asked']
    await until(() => again.every((text) => logged.read(logged.error).includes(text)), 'the same lines')
    expect(logged.read(`${logged.error}.1`).startsWith(old)).toBe(true)
    // A worker that starts later has the new file, too.
    process.kill(Number((await get(logged.socket)).body), 'SIGKILL')
    await until(() => /ended by SIGKILL[\s\S]*is ready/.test(logged.read(logged.error)), 'another worker')
  })

  test('has standard output with --capture-output, and in the new file as well', async () => {
    const logged = new Logged()
    const served = await logged.serve('--error-log', logged.error, '--capture-output')
    await get(logged.socket, '/out')
    await until(() => logged.read(logged.error).includes('said on stdout'), 'the line')
    renameSync(logged.error, `${logged.error}.1`)
    served.kill('SIGUSR1')
    await repeatUntil(
      () => get(logged.socket, '/out'),
      () => logged.read(logged.error).includes('said on stdout'),
      'the new file',
    )
    expect(served.output).not.toContain('said on stdout')
  })

  test('has the stack of a stuck worker in the new file', async () => {
    const logged = new Logged()
    const served = await logged.serve('--error-log', logged.error, '--heartbeat-timeout', '500ms')
    renameSync(logged.error, `${logged.error}.1`)
    served.kill('SIGUSR1')
    await until(() => logged.read(logged.error).includes('opened anew'), 'the new file')
    await expect(get(logged.socket, '/spin')).rejects.toThrow()
    await until(() => /TSGI_ERR_WORKER_STUCK[\s\S]*at application \(.*talks\.mjs/.test(logged.read(logged.error)), 'the stack')
  })

  test('is JSON lines with --log-format json', async () => {
    const logged = new Logged()
    await logged.serve('--error-log', logged.error, '--log-format', 'json')
    await get(logged.socket, '/fail')
    await until(() => logged.read(logged.error).includes('failed as asked'), 'the line')
    const events = logged
      .read(logged.error)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events.at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining('failed as asked') })
    expect(events.at(-1)?.['more']).toContainEqual(expect.stringContaining('talks.mjs'))
  })

  requires('root').test('on a full disk costs its lines, and no process', async () => {
    const directory = temporaryDirectory()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', directory])
    onTestFinished(() => void execFileSync('umount', ['-l', directory]))
    const logged = new Logged(directory)
    const served = await logged.serve('--error-log', logged.error, '--capture-output')
    const pids = childrenOf(served.pid)
    const write = async (): Promise<void> => {
      for (const path of ['/out', '/err', '/errors', '/fail']) await get(logged.socket, path)
    }
    await repeatUntil(write, () => statfsSync(directory).bfree === 0, 'a full disk')
    // The last block has some room.
    for (let round = 0; round < 40; round += 1) await write()
    served.kill('SIGTTIN')
    await served.until(/error\.log: 1 line\(s\) of the log were lost: ENOSPC/)
    expect((await get(logged.socket)).status).toBe(200)
    expect(childrenOf(served.pid)).toEqual(expect.arrayContaining(pids))
  })
})
