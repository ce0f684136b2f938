import { describe, expect, it } from 'vitest'
import { PROXY_FIX_ORIGINAL, proxyFix } from '../../src/middleware/index.ts'
import type { ProxyFixOptions } from '../../src/middleware/index.ts'
import { reporter, served } from './served.ts'

const KEYS = ['REMOTE_ADDR', 'REMOTE_PORT', 'HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT', 'SCRIPT_NAME', 'tsgi.url_scheme']

async function seen(options: ProxyFixOptions | undefined, headers: Record<string, string>): Promise<Record<string, unknown>> {
  const { base } = await served(proxyFix(options)(reporter(...KEYS, PROXY_FIX_ORIGINAL)))
  return (await (await fetch(base, { headers })).json()) as Record<string, unknown>
}

describe('proxyFix', () => {
  it('believes one proxy about the client and the scheme, and keeps what was there', async () => {
    const environ = await seen(undefined, { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'https' })
    expect(environ).toMatchObject({ REMOTE_ADDR: '192.0.2.1', 'tsgi.url_scheme': 'https' })
    expect(environ.REMOTE_PORT).toBeUndefined()
    expect(environ[PROXY_FIX_ORIGINAL]).toMatchObject({ REMOTE_ADDR: '127.0.0.1', 'tsgi.url_scheme': 'http' })
  })

  it.each([
    [1, '198.51.100.7, 192.0.2.1', '192.0.2.1'],
    [2, 'evil, 198.51.100.7, 192.0.2.1', '198.51.100.7'],
    // Fewer than there are proxies: somebody has come past them.
    [2, '192.0.2.1', '127.0.0.1'],
    [0, '192.0.2.1', '127.0.0.1'],
    [1, '192.0.2.1:4711', '192.0.2.1'],
    [1, '[2001:db8::1]:4711', '2001:db8::1'],
    [1, '2001:db8::1', '2001:db8::1'],
    [1, 'unknown', '127.0.0.1'],
    [1, '192.0.2.1\tx', '127.0.0.1'],
    [1, '', '127.0.0.1'],
  ])('with %d proxies takes from "%s" the address %s', async (xFor, list, address) => {
    expect(await seen({ xFor }, { 'X-Forwarded-For': list })).toMatchObject({ REMOTE_ADDR: address })
  })

  it('takes host, port and prefix only where it is told to', async () => {
    const headers = {
      'X-Forwarded-Host': 'shop.example',
      'X-Forwarded-Port': '8443',
      'X-Forwarded-Prefix': '/shop/',
      'X-Forwarded-Proto': 'https',
    }
    expect(await seen(undefined, headers)).toMatchObject({ SCRIPT_NAME: '' })
    expect(await seen({ xHost: 1 }, headers)).toMatchObject({
      HTTP_HOST: 'shop.example',
      SERVER_NAME: 'shop.example',
      SERVER_PORT: '443',
    })
    expect(await seen({ xHost: 1, xPort: 1, xPrefix: 1 }, headers)).toMatchObject({
      HTTP_HOST: 'shop.example:8443',
      SERVER_PORT: '8443',
      SCRIPT_NAME: '/shop',
    })
  })

  it.each([
    { 'X-Forwarded-Host': 'a/b' },
    { 'X-Forwarded-Host': 'user@host' },
    { 'X-Forwarded-Port': '80x' },
    { 'X-Forwarded-Prefix': 'shop' },
    { 'X-Forwarded-Prefix': '//evil.example' },
    { 'X-Forwarded-Proto': 'javascript' },
  ])('does not believe %o', async (headers: Record<string, string>) => {
    const environ = await seen({ xHost: 1, xPort: 1, xPrefix: 1 }, headers)
    expect(environ).toMatchObject({ SCRIPT_NAME: '', SERVER_NAME: '127.0.0.1', 'tsgi.url_scheme': 'http' })
    expect(environ).toMatchObject(environ[PROXY_FIX_ORIGINAL] as object)
  })

  it('refuses what is no number of proxies', () => {
    expect(() => proxyFix({ xFor: -1 })).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
    expect(() => proxyFix({ xHost: 1.5 })).toThrow(/xHost/)
  })
})
