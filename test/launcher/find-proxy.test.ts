import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { findExecutable } from '../../src/launcher/executable.ts'
import { parseApacheBuild } from '../../src/launcher/apache-driver.ts'
import { findProxy } from '../../src/launcher/find-proxy.ts'
import { parseNginxBuild } from '../../src/launcher/nginx-driver.ts'
import { isAtLeast } from '../../src/proxy/version.ts'
import { script, temporaryDirectory } from './temporary.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const answering = (version: string): string =>
  `echo "nginx version: ${version}" >&2; echo "configure arguments: --without-http_scgi_module --with-http_ssl_module" >&2`

const apacheAnswering = (version: string): string => `echo "Server version: ${version}"`

describe('finding the proxy', () => {
  it('takes the first nginx on the PATH and asks it what it is', async () => {
    const directory = temporaryDirectory()
    const executable = script(directory, 'nginx', answering('nginx/1.27.3 (Ubuntu)'))
    vi.stubEnv('PATH', `relative:/nowhere:${directory}`)
    expect(await findProxy('auto', undefined)).toMatchObject({ type: 'nginx', executable, version: '1.27.3' })
    expect(await findProxy('nginx', undefined)).toMatchObject({ executable })
  })

  it('goes without one, or says what to type, where nginx is not installed', async () => {
    vi.stubEnv('PATH', temporaryDirectory())
    expect(await findProxy('auto', undefined, [])).toBeUndefined()
    await expect(findProxy('nginx', undefined, [])).rejects.toMatchObject({
      code: 'TSGI_ERR_PROXY_NOT_FOUND',
      message: expect.stringMatching(/apt-get install nginx.*--server-type embedded/),
    })
  })

  it('looks where packages put it when the PATH has none', async () => {
    const directory = temporaryDirectory()
    const executable = script(directory, 'nginx', answering('nginx/1.22.1'))
    vi.stubEnv('PATH', '')
    expect(await findProxy('nginx', undefined, ['/nowhere', directory])).toMatchObject({ executable })
  })

  it('takes the executable it is told', async () => {
    const executable = script(temporaryDirectory(), 'my-nginx', answering('openresty/1.25.3.1'))
    expect(await findProxy('auto', executable)).toMatchObject({ executable, version: '1.25.3.1' })
  })

  it('says what to type where the one it is told is not there, or cannot be executed', async () => {
    const directory = temporaryDirectory()
    const executable = script(directory, 'nginx', answering('nginx/1.22.1'))
    chmodSync(executable, 0o644)
    for (const each of [executable, join(directory, 'nowhere'), directory]) {
      await expect(findProxy('nginx', each)).rejects.toMatchObject({
        code: 'TSGI_ERR_PROXY_NOT_FOUND',
        message: expect.stringContaining(each),
      })
    }
  })

  it.each(['exit 1', 'echo "lighttpd/1.4" >&2', 'true'])('refuses what is no nginx: %s', async (body) => {
    const executable = script(temporaryDirectory(), 'nginx', body)
    await expect(findProxy('nginx', executable)).rejects.toMatchObject({ code: 'TSGI_ERR_PROXY_NOT_FOUND' })
  })

  it('needs nothing for the embedded server', async () => {
    expect(await findProxy('embedded', '/nowhere')).toBeUndefined()
  })

  it('takes Apache by either of its names where it is asked for, or where there is no nginx', async () => {
    for (const name of ['apache2', 'httpd']) {
      const directory = temporaryDirectory()
      const executable = script(directory, name, apacheAnswering('Apache/2.4.62 (Debian)'))
      vi.stubEnv('PATH', directory)
      for (const serverType of ['apache', 'auto'] as const)
        expect(await findProxy(serverType, undefined, [])).toMatchObject({ type: 'apache', executable, version: '2.4.62' })
      const nginx = script(directory, 'nginx', answering('nginx/1.22.1'))
      expect(await findProxy('auto', undefined, [])).toMatchObject({ type: 'nginx', executable: nginx })
    }
  })

  it('says what to type where Apache is not installed', async () => {
    vi.stubEnv('PATH', temporaryDirectory())
    await expect(findProxy('apache', undefined, [])).rejects.toMatchObject({
      code: 'TSGI_ERR_PROXY_NOT_FOUND',
      message: expect.stringMatching(/no apache2 or httpd .*apt-get install apache2/),
    })
  })

  it('asks the executable it is told which of the two it is', async () => {
    const directory = temporaryDirectory()
    const executable = script(directory, 'server', apacheAnswering('Apache/2.4.62 (Unix)'))
    expect(await findProxy('auto', executable)).toMatchObject({ type: 'apache', executable })
    await expect(findProxy('nginx', executable)).rejects.toMatchObject({
      code: 'TSGI_ERR_OPTION',
      message: expect.stringMatching(/is Apache, but --server-type is nginx/),
    })
  })

  it("takes Apache's answer though it cannot read the system's configuration", async () => {
    const body = `case "$1" in -l) echo "  core.c";; *) ${apacheAnswering('Apache/2.4.62 (Debian)')}; exit 1;; esac`
    const executable = script(temporaryDirectory(), 'apache2', body)
    expect(await findProxy('apache', executable)).toMatchObject({ version: '2.4.62' })
  })

  it('reads what Apache has built in', () => {
    const answer =
      'Server version: Apache/2.4.62 (Debian)\n -D APR_HAVE_IPV6 (IPv4-mapped addresses enabled)\n -D HTTPD_ROOT="/etc/apache2"\n'
    const build = parseApacheBuild(answer, 'Compiled in modules:\n  core.c\n  mod_so.c\n  mod_unixd.c\n', 'apache2')
    expect(build).toEqual({
      version: '2.4.62',
      root: '/etc/apache2',
      builtin: new Set(['core', 'so', 'unixd']),
      mapsIpv4: true,
    })
  })

  it('ignores folders of the PATH that are not absolute', () => {
    const directory = temporaryDirectory()
    script(directory, 'thing', 'true')
    expect(findExecutable('thing', [], `.:bin:${directory}`)).toBe(join(directory, 'thing'))
    expect(findExecutable('thing', [], '.')).toBeUndefined()
    expect(findExecutable('thing', [directory], '')).toBe(join(directory, 'thing'))
  })

  it('reads what nginx was built without', () => {
    const { version, without } = parseNginxBuild(
      'nginx version: nginx/1.22.1\nconfigure arguments: --without-http_uwsgi_module --without-pcre',
      'nginx',
    )
    expect(version).toBe('1.22.1')
    expect([...without]).toEqual(['http_uwsgi_module', 'pcre'])
  })

  it.each([
    ['1.22.1', '1.19.5', true],
    ['1.19.5', '1.19.5', true],
    ['1.19', '1.19.5', false],
    ['1.9.15', '1.19.5', false],
    ['2.0', '1.19.5', true],
    ['1.25.3.1', '1.25.3', true],
  ])('%s is at least %s: %s', (version, least, expected) => {
    expect(isAtLeast(version, least)).toBe(expected)
  })
})
