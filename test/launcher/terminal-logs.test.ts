import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const CLI = fileURLToPath(new URL('../../dist/cli/tsgi-express.js', import.meta.url))
const APP = fileURLToPath(new URL('apps/hello.js', import.meta.url))
const ARGS = ['start-server', APP, '--port', '0', '--server-type', 'nginx', '--log-to-terminal']

interface Redirected {
  url: string
  /** Everything written so far, by whoever. */
  text: () => string
  stop: () => Promise<number | null>
}

/** Starts it with standard output and error in a file, opened with `flags`, or through a pipe into one. */
async function redirect(how: 'a' | 'w' | 'pipe'): Promise<Redirected> {
  const directory = temporaryDirectory()
  const file = join(directory, 'output')
  const fd = openSync(file, how === 'pipe' ? 'a' : how)
  const env = { ...process.env, TMPDIR: directory }
  // The shell makes a pipe; Node would make a socket. It tells the launcher's pid, since its own dies before.
  const command =
    how === 'pipe'
      ? ['/bin/sh', '-c', '{ "$@" 2>&1 & echo "pid $!"; wait; } | cat', 'sh', process.execPath, CLI, ...ARGS]
      : [process.execPath, CLI, ...ARGS]
  const [executable = '', ...args] = command
  const child = spawn(executable, args, { stdio: ['ignore', fd, fd], env, detached: true })
  closeSync(fd)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const text = (): string => readFileSync(file, 'utf8')
  const pid = (): number => (how === 'pipe' ? Number(/^pid (\d+)$/m.exec(text())?.[1]) : (child.pid ?? 0))
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null) process.kill(pid(), 'SIGTERM')
    return exited
  }
  onTestFinished(async () => void (await stop()))
  await until(() => /^Ready /m.test(text()) || child.exitCode !== null, 'Ready')
  return {
    url: /^Ready (\S+)$/m.exec(text())?.[1] ?? '',
    text,
    stop: async () => {
      const code = await stop()
      expect(readdirSync(directory)).toEqual(['output'])
      return code
    },
  }
}

requires('nginx', 'dist', 'proc').describe('start-server --log-to-terminal', () => {
  it.each(['a', 'pipe'] as const)('writes everything there (%s)', async (how) => {
    const server = await redirect(how)
    await get(`${server.url}visited`)
    await until(() => server.text().includes('"GET /visited HTTP/1.1" 200'), 'the access log')
    expect(server.text()).toMatch(/^hello is loaded$/m)
    expect(server.text()).toMatch(/^Access Log File +: the terminal$/m)
    expect(server.text()).toMatch(/^Error Log File +: the terminal$/m)
    expect(await server.stop()).toBe(0)
  })

  it('leaves the access log in its file where the terminal is a file that others would overwrite, and says so', async () => {
    const server = await redirect('w')
    expect(server.text()).toMatch(/warning: the access log is \S+access\.log: .*use >> instead of >/)
    await get(`${server.url}visited`)
    const file = /^Access Log File +: (.*)$/m.exec(server.text())?.[1] ?? ''
    await until(() => readFileSync(file, 'utf8').includes('"GET /visited HTTP/1.1" 200'), 'the access log')
    expect(await server.stop()).toBe(0)
  })

  it('does so where standard output is a socket, which nginx cannot open', async () => {
    const launched = new Launched(ARGS)
    const url = await launched.ready()
    expect(launched.stderr).toMatch(/warning: the access log is \S+access\.log: .*socket/)
    expect(launched.stdout).toMatch(/^hello is loaded$/m)
    expect((await get(url)).status).toBe(200)
    launched.child.kill('SIGTERM')
    expect(await launched.exited).toBe(0)
    expect(launched.survivors()).toEqual([])
    expect(launched.leftovers()).toEqual([])
  })
})
