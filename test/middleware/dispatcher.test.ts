import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { dispatcher } from '../../src/middleware/index.ts'
import type { Application } from '../../src/index.ts'
import { served } from './served.ts'

function named(name: string): Application {
  return ({ SCRIPT_NAME, PATH_INFO }, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return `${name} ${SCRIPT_NAME} ${PATH_INFO}`
  }
}

const application = dispatcher({
  '/shop': named('shop'),
  '/shop/admin/': named('admin'),
  'api.example.org': named('api'),
  'api.example.org/v2': named('v2'),
  '*.example.org': named('any'),
  '*.eu.example.org': named('eu'),
  'example.org/only': named('only'),
})(named('inner'))

async function get(path: string, host = 'localhost'): Promise<string> {
  const { base } = await served(application)
  return new Promise((resolve, reject) => {
    const sent = request(base + path, { headers: { Host: host } }, (response) => {
      response.setEncoding('utf8').on('data', resolve)
    })
    sent.on('error', reject).end()
  })
}

describe('dispatcher', () => {
  it.each([
    ['/', 'inner  /'],
    ['/shop', 'shop /shop '],
    ['/shop/', 'shop /shop /'],
    ['/shop/a%2Fb', 'shop /shop /a/b'],
    ['/shopping', 'inner  /shopping'],
    ['/shop/admin/x', 'admin /shop/admin /x'],
    ['/shop/administrator', 'shop /shop /administrator'],
    ['//shop', 'inner  //shop'],
  ])('%s goes to: %s', async (path, answer) => {
    expect(await get(path)).toBe(answer)
  })

  it.each([
    ['api.example.org', '/v2/x', 'v2 /v2 /x'],
    ['API.Example.ORG:8080', '/v3', 'api  /v3'],
    ['api.example.org.', '/v3', 'api  /v3'],
    ['www.example.org', '/shop', 'any  /shop'],
    ['a.eu.example.org', '/', 'eu  /'],
    ['example.org', '/', 'inner  /'],
    ['example.org', '/only/x', 'only /only /x'],
    ['evilexample.org', '/', 'inner  /'],
    ['.example.org', '/', 'inner  /'],
  ])('on %s, %s goes to: %s', async (host, path, answer) => {
    expect(await get(path, host)).toBe(answer)
  })

  it('can stand in another one', async () => {
    const nested = dispatcher({ '/a': dispatcher({ '/b': named('deep') })(named('shallow')) })(named('inner'))
    const { base } = await served(nested)
    expect(await (await fetch(`${base}/a/b/c`)).text()).toBe('deep /a/b /c')
    expect(await (await fetch(`${base}/a/c`)).text()).toBe('shallow /a /c')
  })

  it.each(['', 'a b', 'http://x/'])('refuses the key %j', (key) => {
    expect(() => dispatcher({ [key]: named('x') })).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
  })
})
