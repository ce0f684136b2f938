import { createSocket } from 'node:dgram'
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'

import { requires } from '../support/requirements.ts'
import { repeatUntil, until } from '../support/until.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = fileURLToPath(new URL('../fixtures/apps/process/talks.mjs', import.meta.url))

function launch(...args: string[]): Launched {
  return new Launched(['start-server', APP, '--port', '0', ...args])
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const { describe, test } = requires('nginx', 'dist', 'proc')

describe('the logs of start-server behind nginx', () => {
  test('both go on in new files after USR1: nginx, the master and the workers', async () => {
    const directory = temporaryDirectory()
    const [access, error] = [join(directory, 'access.log'), join(directory, 'error.log')]
    const launched = launch('--server-type', 'nginx', '--access-log', access, '--error-log', error, '--processes', '2')
    const url = await launched.ready()
    expect(launched.field('Access Log File')).toBe(access)
    expect(launched.field('Error Log File')).toBe(error)
    await get(`${url}before`)
    await get(`${url}err`)
    await until(() => read(access).includes('/before') && read(error).includes('said on stderr'), 'the first lines')
    for (const file of [access, error]) renameSync(file, `${file}.1`)
    launched.child.kill('SIGUSR1')
    await until(() => existsSync(access) && read(error).includes('log files opened anew'), 'the new files')
    // The file is there a moment before nginx writes to it.
    await repeatUntil(
      () => get(`${url}after`),
      () => read(access).includes('"GET /after HTTP/1.1" 200 '),
      'a line of nginx',
    )
    expect(read(access)).not.toContain('/before')
    for (const file of [access, error, `${access}.1`]) expect(statSync(file).mode & 0o777, file).toBe(0o640)
    for (const path of ['err', 'out']) {
      const said = path === 'err' ? 'said on stderr' : 'said on stdout'
      await repeatUntil(
        () => get(url + path),
        () => read(error).includes(said),
        `a worker's /${path}`,
      )
    }
    launched.child.kill('SIGTERM')
    expect(await launched.exited).toBe(0)
    expect(read(error)).toContain('SIGTERM: stopping')
  })

  test('are moved away by size, with nginx told', async () => {
    const directory = temporaryDirectory()
    const access = join(directory, 'access.log')
    const launched = launch('--server-type', 'nginx', '--access-log', access, '--max-log-size', '2k', '--rotate-logs', '1')
    const url = await launched.ready()
    let asked = 0
    const ask = (): Promise<unknown> => get(`${url}${asked++}`)
    for (let round = 0; round < 40; round += 1) await ask()
    await until(() => existsSync(`${access}.1`) && existsSync(access), 'the move')
    const inode = statSync(access).ino
    await ask()
    await until(() => read(access) !== '', 'a line in the new file')
    expect(statSync(access).ino).toBe(inode)
    const numbers = [...`${read(`${access}.1`)}${read(access)}`.matchAll(/"GET \/(\d+) HTTP/g)].map((match) => Number(match[1]))
    expect(numbers).toEqual(Array.from({ length: asked }, (_, index) => index))
  })

  test('the access log has the format that is asked for, in the same words as the workers', async () => {
    const lines: Record<string, string> = {}
    for (const format of ['json', '%(m)s %(U)s|%(q)s "%(a)s" %(s)s %(b)s %({X-Token}i)s %({Content-Type}o)s $1%%']) {
      const access = join(temporaryDirectory(), 'access.log')
      const launched = launch('--server-type', 'nginx', '--access-log', access, '--access-log-format', format)
      await get(`${await launched.ready()}a?b=%22"`, { 'User-Agent': 'a"b\\c', 'X-Token': 'token' })
      await until(() => read(access) !== '', 'a line')
      lines[format === 'json' ? format : 'atoms'] = read(access)
    }
    expect(JSON.parse(lines['json'] ?? '')).toMatchObject({
      remote_addr: '127.0.0.1',
      method: 'GET',
      path: '/a',
      status: 200,
      user_agent: 'a"b\\c',
      pid: expect.any(Number),
      duration_s: expect.any(Number),
    })
    expect(lines['atoms']).toMatch(/^GET \/a\|b=%22(?:%22|\\x22) "a\\x22b\\x5Cc" 200 \d+ token text\/plain \$1%\n$/)
  })

  test('the access log can be off, or in syslog', async () => {
    const off = launch('--server-type', 'nginx', '--access-log', 'off')
    await get(await off.ready())
    expect(off.field('Access Log File')).toBe('none')
    expect(existsSync(join(off.field('Server Root'), 'access.log'))).toBe(false)

    const receiver = createSocket('udp4')
    const messages: string[] = []
    receiver.on('message', (message) => messages.push(message.toString('latin1')))
    await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => void receiver.close())
    const to = `udp://127.0.0.1:${receiver.address().port}`
    const syslog = launch(
      '--server-type',
      'nginx',
      '--access-log',
      'syslog',
      '--log-syslog-to',
      to,
      '--log-syslog-prefix',
      'my-shop',
    )
    await get(`${await syslog.ready()}x`)
    await until(() => messages.some((each) => /^<14>.* my_shop: .*"GET \/x HTTP\/1\.1" 200 /.test(each)), 'a message')
  })

  test('an atom that nginx cannot write is an error that says what to do', async () => {
    const launched = launch('--server-type', 'nginx', '--access-log-format', '%(h)s %(D)s')
    expect(await launched.exited).toBe(2)
    expect(launched.stderr).toMatch(/TSGI_ERR_OPTION .*no word for %\(D\)s; .*--server-type embedded/)
  })
})

requires('dist', 'proc').describe('the logs of start-server without a proxy', () => {
  test('the workers write the access log that is asked for, and it goes on in a new file', async () => {
    const directory = temporaryDirectory()
    const access = join(directory, 'access.log')
    const launched = launch('--server-type', 'embedded', '--processes', '2', '--access-log', access)
    const url = await launched.ready()
    expect(launched.field('Access Log File')).toBe(access)
    await get(`${url}before`)
    await until(() => /^127\.0\.0\.1 - - .*"GET \/before HTTP\/1\.1" 200 /.test(read(access)), 'a line')
    renameSync(access, `${access}.1`)
    launched.child.kill('SIGUSR1')
    await until(() => existsSync(access), 'the new file')
    await repeatUntil(
      () => get(`${url}after`),
      () => read(access).includes('/after'),
      'a line in the new file',
    )
    // The launcher's own request is not in it.
    expect(read(`${access}.1`).split('\n')[0]).toContain('/before')
  })

  test('there is none unless it is asked for', async () => {
    const launched = launch('--server-type', 'embedded')
    await get(await launched.ready())
    expect(launched.stdout).not.toContain('Access Log')
    expect(existsSync(join(launched.field('Server Root'), 'access.log'))).toBe(false)
  })

  test('on the terminal it stands on standard output', async () => {
    const launched = launch('--server-type', 'embedded', '--access-log', '-', '--access-log-format', 'json')
    await get(`${await launched.ready()}x`)
    await until(() => launched.stdout.includes('"path":"/x"'), 'the line')
  })
})
