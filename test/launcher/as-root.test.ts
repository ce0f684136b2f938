import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = fileURLToPath(new URL('apps/hello.js', import.meta.url))

/** An account that no proxy has by itself. */
const ACCOUNT = 'nobody'

/** The effective user of a process (proc(5)). */
function userOf(pid: number): number {
  return Number(/^Uid:\t\d+\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

describe.each([
  ['nginx', 'nginx'],
  ['apache', 'apache2'],
] as const)('started by root, behind %s', (serverType, program) => {
  requires(program, 'dist', 'root', 'proc').describe('with --user', () => {
    it('application and workers of the proxy are that user; root are the launcher and the master of the proxy alone', async () => {
      const uid = Number(execFileSync('id', ['-u', ACCOUNT], { encoding: 'utf8' }))
      const args = ['start-server', APP, '--port', '0', '--server-type', serverType, '--user', ACCOUNT]
      const launched = new Launched(args)
      const url = await launched.ready()
      expect((await get(url)).status).toBe(200)
      expect(launched.stderr).not.toContain('running as root')
      const children = launched.remember()
      const master = launched.proxy()
      expect(children).toContain(master)
      expect(children.length).toBeGreaterThan(2)
      expect(userOf(master)).toBe(0)
      // httpd forks the last of its workers about now, and each changes its user by itself.
      const others = (): number[] => launched.remember().filter((each) => each !== master && each !== launched.pid)
      await until(() => others().every((pid) => userOf(pid) === uid), 'nobody else who is root')
      // Nobody else may enter.
      const { mode, uid: owner } = statSync(launched.field('Server Root'))
      expect([mode & 0o7, owner]).toEqual([0, 0])
    })
  })

  requires(program, 'dist', 'root').describe('with files that the proxy may not read', () => {
    it('warns of each, with what is closed and the command', async () => {
      const directory = temporaryDirectory()
      mkdirSync(join(directory, 'closed/public'), { recursive: true })
      chmodSync(join(directory, 'closed'), 0o700)
      for (const name of ['mine.txt', 'open.txt']) writeFileSync(join(directory, name), 'x', { mode: 0o600 })
      chmodSync(join(directory, 'open.txt'), 0o644)
      const files = ['--document-root', join(directory, 'closed/public')]
      for (const name of ['mine.txt', 'open.txt']) files.push('--url-alias', `/${name}`, join(directory, name))
      const launched = new Launched([
        'start-server',
        APP,
        '--port',
        '0',
        '--server-type',
        serverType,
        '--user',
        ACCOUNT,
        ...files,
      ])
      await launched.ready()
      expect(launched.stderr).toContain(
        `--document-root: the proxy's ${ACCOUNT} cannot enter ${directory}/closed, which is on the way to ${directory}/closed/public: clients get 403 or 404`,
      )
      expect(launched.stderr).toContain(`chmod o+x ${directory}/closed\``)
      expect(launched.stderr).toMatch(/--url-alias \/mine\.txt: .* may not read .*chmod o\+r /)
      expect(launched.stderr).not.toContain('open.txt')
      // The directory of the application itself.
      const alias = new Launched([
        'start-server',
        APP,
        '--port',
        '0',
        '--server-type',
        serverType,
        '--url-alias',
        '/x',
        join(APP, '..'),
      ])
      await alias.ready()
      expect(alias.stderr).toMatch(/--url-alias \/x .* gives "hello\.js" to everyone/)
    })
  })

  requires(program, 'dist', 'root').describe('on a port of the web', () => {
    it.each([
      ['--port', '80'],
      ['--port', '0', '--https-port', '443'],
    ])('is refused without it: %j %j', async (...more) => {
      const launched = new Launched(['start-server', APP, '--server-type', serverType, ...more, ...certificate(more)])
      expect(await launched.exited).toBe(2)
      expect(launched.stderr).toMatch(/TSGI_ERR_OPTION .*port (?:80|443) as root.*add `--user www-data`/)
      expect(launched.leftovers()).toEqual([])
    })
  })
})

/** Options are looked at before files are. */
function certificate(more: readonly string[]): string[] {
  return more.includes('--https-port') ? ['--ssl-certificate-file', '/c.pem', '--ssl-certificate-key-file', '/k.pem'] : []
}
