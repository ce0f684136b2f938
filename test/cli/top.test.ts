import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { Controlled } from '../process/controlled.ts'
import { ctl } from '../process/control-peer.ts'
import { get } from '../process/served.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'

const TSGI = fileURLToPath(new URL('../../dist/cli/tsgi.js', import.meta.url))

/** Runs a command on a terminal of its own: what is typed here is typed there. */
const TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'

const { describe, test } = requires('dist')

function top(app: Controlled, ...args: string[]) {
  const child = spawn(process.execPath, [TSGI, 'top', '--socket', app.sockets, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
  return { child, ended, output: () => stdout }
}

describe('tsgi top', () => {
  test('prints a second of a server where it has no terminal', async () => {
    const app = new Controlled()
    await app.serve('--workers', '2')
    const { ended } = top(app)
    await Promise.all(Array.from({ length: 5 }, () => get(app.socket)))
    const { code, stdout, stderr } = await ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^tsgi \S+, Node v\S+, up \S+, 2 of 2 workers ready\n/)
    expect(stdout.trimEnd().split('\n')).toHaveLength(9)
    expect(stdout).not.toContain('\u001b')
  })

  test('is one JSON object for each second', async () => {
    const app = new Controlled()
    await app.serve()
    const { child, ended, output } = top(app, '--json')
    await until(() => output().split('\n').length > 2, 'two of them')
    child.kill('SIGTERM')
    await ended
    for (const line of output().trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ requests: 0, wantedWorkers: 1 })
    expect((await top(app, '--json', '--once').ended).stdout.split('\n')).toHaveLength(2)
  })

  test('says what is the matter where there is no server, or one that counts nothing', async () => {
    const app = new Controlled()
    expect(await top(app).ended).toMatchObject({ code: 1, stderr: expect.stringContaining('TSGI_ERR_CONTROL_UNREACHABLE') })
    await app.serve('--no-metrics')
    expect(await top(app).ended).toMatchObject({ code: 1, stderr: expect.stringContaining('--no-metrics') })
    expect(await ctl(['top'])).toMatchObject({ code: 2 })
  })
})

requires('dist', 'python3').describe('tsgi top on a terminal', () => {
  test('draws it anew each second, obeys keys, and leaves the terminal as it was', async () => {
    const app = new Controlled()
    const served = await app.serve('--workers', '2')
    const begin = () => {
      const child = spawn('python3', ['-c', TERMINAL, process.execPath, TSGI, 'top', '--socket', app.sockets], {
        env: { ...process.env, TERM: 'xterm' },
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      let output = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
      const ended = new Promise<number | null>((resolve) => {
        child.once('close', (code) => resolve(code))
      })
      return { child, ended, output: () => output }
    }
    const first = begin()
    await until(() => (first.output().match(/\u001b\[H/g)?.length ?? 0) >= 2, 'two pictures')
    first.child.stdin.write('m')
    await until(() => first.output().includes('memory: sorted by'), 'the other order')
    first.child.stdin.write('q')
    expect(await first.ended).toBe(0)
    expect(first.output().startsWith('\u001b[?1049h\u001b[?25l')).toBe(true)
    expect(first.output().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    // The server ends: its watcher says so, on the terminal that it has left as it was.
    const second = begin()
    await until(() => second.output().includes('requests/s'), 'a picture')
    served.kill('SIGTERM')
    expect(await second.ended).toBe(1)
    expect(second.output()).toMatch(/\u001b\[\?25h\u001b\[\?1049l[^]*TSGI_ERR_CONTROL_UNREACHABLE/)
  })
})
