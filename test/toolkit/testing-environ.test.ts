import { request } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applicationUri,
  createEnviron,
  EnvironBuilder,
  FileWrapper,
  guessScheme,
  isHopByHop,
  MultiDict,
  Request,
  requestUri,
  setupTestingDefaults,
  shiftPathInfo,
} from '../../src/toolkit/index.ts'
import type { Environ } from '../../src/toolkit/index.ts'
import { served } from '../middleware/served.ts'

describe('an environ', () => {
  it('has what a server gives', () => {
    const environ = createEnviron()
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/',
      QUERY_STRING: '',
      REQUEST_URI: '/',
      SERVER_NAME: 'localhost',
      SERVER_PORT: '80',
      SERVER_PROTOCOL: 'HTTP/1.1',
      HTTP_HOST: 'localhost',
      REMOTE_ADDR: '127.0.0.1',
      'tsgi.version': [1, 0],
      'tsgi.url_scheme': 'http',
      'tsgi.multithread': false,
      'tsgi.run_once': false,
    })
    expect(environ['tsgi.signal'].aborted).toBe(false)
    expect(environ['tsgi.request_id']).not.toBe('')
    expect(environ.CONTENT_LENGTH).toBeUndefined()
  })

  it('is that of a server for the same request', async () => {
    const seen: Environ[] = []
    const { base } = await served((environ, startResponse) => {
      seen.push(environ)
      startResponse('204 No Content', [])
      return null
    })
    const headers = { 'X-A': '1', 'Content-Type': 'text/x', Accept: '*/*' }
    const path = '/a%2Fb//%C3%A9/..;x?q=%20&r'
    await new Promise((resolve, reject) => {
      request(base + path, { method: 'PUT', headers: { ...headers, 'Content-Length': 2 } }, (response) => {
        response.resume().on('end', resolve)
      })
        .on('error', reject)
        .end('xy')
    })
    const [real] = seen
    const made = createEnviron({
      baseUrl: base,
      path,
      method: 'PUT',
      data: 'xy',
      headers,
    })
    const strings = (environ: Environ | undefined): unknown =>
      Object.fromEntries(
        Object.entries(environ ?? {}).filter(
          ([name, value]) => typeof value !== 'object' && !/^REMOTE_PORT$|request_id$|^tsgi.(?:file_wrapper)$/.test(name),
        ),
      )
    expect(strings(made)).toEqual(strings(real))
  })

  it.each([
    ['/a%2Fb/é?x=%20&y', { PATH_INFO: '/a/b/é', REQUEST_URI: '/a%2Fb/%C3%A9?x=%20&y', QUERY_STRING: 'x=%20&y' }],
    ['//a/../b', { PATH_INFO: '//a/../b', REQUEST_URI: '//a/../b' }],
    ['a b', { PATH_INFO: '/a b', REQUEST_URI: '/a%20b' }],
    [
      'https://example.org:444/x?y',
      { PATH_INFO: '/x', HTTP_HOST: 'example.org:444', SERVER_PORT: '444', 'tsgi.url_scheme': 'https' },
    ],
  ])('of %s is %o', (path, expected) => {
    expect(createEnviron(path)).toMatchObject(expected)
  })

  it('lies under the mount point of baseUrl', () => {
    const environ = createEnviron({
      path: '/x',
      baseUrl: 'https://example.org/my%20app/',
      queryString: { a: [1, 2], b: undefined, c: 'é' },
    })
    expect(environ).toMatchObject({
      SCRIPT_NAME: '/my app',
      PATH_INFO: '/x',
      REQUEST_URI: '/my%20app/x?a=1&a=2&c=%C3%A9',
      SERVER_PORT: '443',
      'tsgi.url_scheme': 'https',
    })
    expect(new Request(environ).url).toBe('https://example.org/my%20app/x?a=1&a=2&c=%C3%A9')
  })

  it('has fields as the server has them', () => {
    const { headers, ...rest } = {
      headers: [
        ['X-A', '1'],
        ['x-a', '2'],
        ['Content-Type', 'a/b'],
        ['Connection', 'close'],
        ['Proxy', 'x'],
      ] as const,
      auth: ['me', 'pass:word'] as const,
    }
    const environ = createEnviron({ headers, ...rest })
    expect(environ).toMatchObject({ HTTP_X_A: '1, 2', CONTENT_TYPE: 'a/b' })
    expect(environ.HTTP_CONNECTION).toBeUndefined()
    expect(environ.HTTP_PROXY).toBeUndefined()
    expect(new Request(environ).authorization).toMatchObject({ username: 'me', password: 'pass:word' })
  })

  it('takes variables below and above those of the request', () => {
    const environ = createEnviron({
      headers: { 'User-Agent': 'mine' },
      environBase: { HTTP_USER_AGENT: 'base', REMOTE_ADDR: '10.0.0.1', 'my.key': [1] },
      environOverrides: { HTTP_HOST: 'other' },
    })
    expect(environ).toMatchObject({ HTTP_USER_AGENT: 'mine', REMOTE_ADDR: '10.0.0.1', 'my.key': [1], HTTP_HOST: 'other' })
  })

  it.each([
    [{ baseUrl: 'ftp://x/' }, 'neither http nor https'],
    [{ baseUrl: 'http://x/?a' }, 'has a query'],
    [{ path: '/?a', queryString: 'b' }, 'in the path and as queryString'],
  ])('is refused of %o', (options, message) => {
    expect(() => createEnviron(options)).toThrow(message)
  })

  it('is refused where there are two bodies', () => {
    expect(() => createEnviron({ json: 1, data: 'x' })).toThrow('two bodies')
    expect(() => createEnviron({ data: 'x', files: { a: { content: 'b' } } })).toThrow('fields of a form')
  })

  it('has a signal that says that the client has left', () => {
    const controller = new AbortController()
    const environ = createEnviron({ signal: controller.signal })
    controller.abort()
    expect(environ['tsgi.signal'].aborted).toBe(true)
  })
})

describe('a body', () => {
  const bodyOf = async (options: ConstructorParameters<typeof EnvironBuilder>[0]): Promise<string> =>
    Buffer.from(await createEnviron(options)['tsgi.input'].read()).toString()

  it('is text, bytes, JSON, a form or a stream', async () => {
    expect(await bodyOf({ data: 'é' })).toBe('é')
    expect(await bodyOf({ data: new Uint8Array([65]) })).toBe('A')
    expect(await bodyOf({ json: { a: 1 } })).toBe('{"a":1}')
    expect(await bodyOf({ data: { a: 'x y', b: [1, true] } })).toBe('a=x+y&b=1&b=true')
    expect(await bodyOf({ data: new URLSearchParams('a=b') })).toBe('a=b')
    expect(await bodyOf({ data: new Blob(['blob']) })).toBe('blob')
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 5; index++) yield Buffer.alloc(50_000, 97)
    }
    expect(await bodyOf({ data: stream() })).toHaveLength(250_000)
  })

  it('has a type, a length and makes the method POST', () => {
    expect(createEnviron({ json: {} })).toMatchObject({
      REQUEST_METHOD: 'POST',
      CONTENT_TYPE: 'application/json',
      CONTENT_LENGTH: '2',
    })
    expect(createEnviron({ data: 'é', method: 'put' })).toMatchObject({ REQUEST_METHOD: 'PUT', CONTENT_LENGTH: '2' })
    expect(createEnviron({ data: 'x', contentType: 'a/b' }).CONTENT_TYPE).toBe('a/b')
    expect(createEnviron({ data: (async function* () {})() }).CONTENT_LENGTH).toBeUndefined()
  })

  it('of a stream that fails fails', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a')
      throw new Error('torn')
    }
    await expect(createEnviron({ data: broken() })['tsgi.input'].read()).rejects.toThrow('torn')
  })

  it('with files is a form that the toolkit reads', async () => {
    const request = new EnvironBuilder({
      data: { title: 'é', many: ['1', '2'], 'odd"name\r\n': 'x', file: new File(['content'], 'a "b".txt', { type: 'text/x' }) },
      files: { more: [{ content: 'c', filename: 'c.png' }, { content: new Uint8Array([1, 2]) }] },
    }).getRequest()
    const form = await request.form()
    const files = await request.files()
    expect(form.get('title')).toBe('é')
    expect(form.getList('many')).toEqual(['1', '2'])
    expect(files.get('file')).toMatchObject({ filename: 'a "b".txt', contentType: 'text/x' })
    expect(await files.get('file')?.text()).toBe('content')
    expect(files.getList('more').map((file) => [file.filename, file.contentType, file.size])).toEqual([
      ['c.png', 'image/png', 1],
      ['blob', 'application/octet-stream', 2],
    ])
    await request.close()
  })

  it('comes out of the toolkit as it went in', async () => {
    const text = fc.string({ unit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text), { maxLength: 5 }), fc.boolean(), async (pairs, isMultipart) => {
        fc.pre(pairs.every(([name]) => !name.includes('%')))
        const data = Object.fromEntries(new MultiDict(pairs).lists())
        const request = new EnvironBuilder({ data, ...(isMultipart ? { contentType: 'multipart/form-data' } : {}) }).getRequest()
        expect(Object.fromEntries((await request.form()).lists())).toEqual(data)
      }),
      { numRuns: 100 },
    )
  })
})

describe('setupTestingDefaults', () => {
  it('fills in what is missing', async () => {
    const environ = setupTestingDefaults({ PATH_INFO: '/é', HTTPS: 'on', QUERY_STRING: 'a' })
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: '443',
      SERVER_PROTOCOL: 'HTTP/1.0',
      PATH_INFO: '/é',
      REQUEST_URI: '/%C3%A9?a',
      'tsgi.url_scheme': 'https',
    })
    expect(await environ['tsgi.input'].read()).toHaveLength(0)
  })
})

describe('the functions of wsgiref.util', () => {
  it.each([
    ['http://example.org/', '/', 'http://example.org/', 'http://example.org/'],
    ['https://example.org:8443/app', '/é b?q=1', 'https://example.org:8443/app', 'https://example.org:8443/app/%C3%A9%20b?q=1'],
    ['https://example.org:443/app/', '', 'https://example.org/app', 'https://example.org/app'],
  ])('applicationUri and requestUri of %s, %s', (baseUrl, path, application, request) => {
    const environ = createEnviron({ baseUrl, path })
    expect(applicationUri(environ)).toBe(application)
    expect(requestUri(environ)).toBe(request)
    expect(requestUri(environ, false)).toBe(request.replace(/\?.*/, ''))
  })

  it.each([
    ['', '/a/b', 'a', '/a', '/b'],
    ['/a', '/b', 'b', '/a/b', ''],
    ['/a', '/b/', 'b', '/a/b', '/'],
    ['/a', '/', '', '/a', ''],
    ['/a', '', undefined, '/a', ''],
    ['', '/.//./a/.//b', 'a', '/a', '/b'],
    ['', '/../a', '..', '/..', '/a'],
    ['', '/.', undefined, '', ''],
  ])('shiftPathInfo of %j and %j gives %j', (script, path, name, newScript, newPath) => {
    const environ: Environ = createEnviron({ environOverrides: { SCRIPT_NAME: script, PATH_INFO: path } })
    expect([shiftPathInfo(environ), environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual([name, newScript, newPath])
  })

  it('guessScheme, isHopByHop', () => {
    expect(['on', '1', 'yes', 'off', '', undefined].map((HTTPS) => guessScheme({ HTTPS }))).toEqual([
      'https',
      'https',
      'https',
      'http',
      'http',
      'http',
    ])
    expect(['Connection', 'TE', 'transfer-encoding', 'Content-Type'].map(isHopByHop)).toEqual([true, true, true, false])
  })

  it('FileWrapper reads in blocks and closes once', async () => {
    let closed = 0
    const input = createEnviron({ data: 'abcdefg' })['tsgi.input']
    const wrapper = new FileWrapper({ read: (size) => input.read(size), close: () => closed++ }, 3)
    const blocks: string[] = []
    for await (const block of wrapper) blocks.push(Buffer.from(block).toString())
    await wrapper.close()
    await wrapper.close()
    expect(blocks).toEqual(['abc', 'def', 'g'])
    expect(closed).toBe(1)
  })
})
