import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { findExecutable } from '../../src/launcher/executable.ts'
import { findProxy, parseNginxBuild } from '../../src/launcher/find-proxy.ts'
import { isAtLeast } from '../../src/proxy/version.ts'
import { script, temporaryDirectory } from './temporary.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const answering = (version: string): string =>
  `echo "nginx version: ${version}" >&2; echo "configure arguments: --without-http_scgi_module --with-http_ssl_module" >&2`

describe('finding the proxy', () => {
  it('takes the first nginx on the PATH and asks it what it is', async () => {
    const directory = temporaryDirectory()
    const executable = script(directory, 'nginx', answering('nginx/1.27.3 (Ubuntu)'))
    vi.stubEnv('PATH', `relative:/nowhere:${directory}`)
    expect(await findProxy('auto', undefined)).toEqual({
      type: 'nginx',
      executable,
      version: '1.27.3',
      without: new Set(['http_scgi_module']),
      with: new Set(['http_ssl_module']),
    })
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

  it.each(['exit 1', 'echo "Apache/2.4" >&2', 'true'])('refuses what is no nginx: %s', async (body) => {
    const executable = script(temporaryDirectory(), 'nginx', body)
    await expect(findProxy('nginx', executable)).rejects.toMatchObject({ code: 'TSGI_ERR_PROXY_NOT_FOUND' })
  })

  it('needs nothing for the embedded server', async () => {
    expect(await findProxy('embedded', '/nowhere')).toBeUndefined()
  })

  it('says that Apache is not supported yet', async () => {
    await expect(findProxy('apache', undefined)).rejects.toMatchObject({
      code: 'TSGI_ERR_OPTION',
      message: expect.stringContaining('use nginx or embedded'),
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
