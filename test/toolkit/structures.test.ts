import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  Accept,
  CacheControl,
  checkPreconditions,
  ContentRange,
  ETags,
  httpDate,
  IfRange,
  isResourceModified,
  Local,
  localProxy,
  MultiDict,
  parseDate,
  quoteEtag,
  Range,
  Request,
  Response,
  unquoteEtag,
} from '../../src/toolkit/index.ts'
import type { Application } from '../../src/index.ts'
import { served } from '../middleware/served.ts'
import { environOf } from './called.ts'

describe('MultiDict', () => {
  it('has several values for a key', () => {
    const values = new MultiDict({ a: ['1', '2'], b: '3' })
    expect([values.get('a'), values.getList('a'), values.get('c'), values.get('c', 'none')]).toEqual([
      '1',
      ['1', '2'],
      undefined,
      'none',
    ])
    expect([...values.add('b', '4')]).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
      ['b', '4'],
    ])
    expect([...values.values()]).toEqual(['1', '3'])
    expect(values.set('a', '9').getList('a')).toEqual(['9'])
    values.getList('a').push('not mine')
    expect(values.copy().toJSON()).toEqual({ a: ['9'], b: ['3', '4'] })
    expect([values.delete('a'), values.delete('a'), values.size, values.has('b')]).toEqual([true, false, 1, true])
    expect(values.setList('b', []).has('b')).toBe(false)
  })

  it('converts, and takes what cannot be converted for missing', () => {
    const values = new MultiDict([
      ['n', 'x'],
      ['n', '2'],
    ])
    const strict = (text: string): number => {
      if (text === 'x') throw new Error('no number')
      return Number(text)
    }
    expect([values.get('n', 0, strict), values.get('n', 0, Number), values.getList('n', Number)]).toEqual([0, 0, [2]])
  })

  it('knows by its types what it gives', () => {
    const values = new MultiDict([['n', '2']])
    expectTypeOf(values.get('n')).toEqualTypeOf<string | undefined>()
    expectTypeOf(values.get('n', 'none')).toEqualTypeOf<string>()
    expectTypeOf(values.get('n', null, Number)).toEqualTypeOf<number | null>()
    expectTypeOf(values.getList('n', Number)).toEqualTypeOf<number[]>()
    expectTypeOf(new Accept('type', '*/*').bestMatch(['a/b', 'c/d'])).toEqualTypeOf<'a/b' | 'c/d' | undefined>()
    expectTypeOf(new Response('')).toExtend<Application>()
    class Mine extends Request {
      mine = 1
    }
    Mine.application((request) => {
      expectTypeOf(request).toEqualTypeOf<Mine>()
      return new Response('')
    })
  })

  it('keeps a key that is a name of objects apart from them', () => {
    const values = new MultiDict([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(values.get('toString')).toBeUndefined()
    expect(Object.keys(values.toObject())).toEqual(['__proto__', 'constructor'])
    expect(JSON.stringify(values)).toBe('{"__proto__":["x"],"constructor":["y"]}')
  })
})

describe('dates', () => {
  it('are read in the three forms of RFC 9110', () => {
    const expected = Date.UTC(1994, 10, 6, 8, 49, 37)
    for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
      expect(parseDate(text)?.getTime()).toBe(expected)
    }
    expect(httpDate(expected)).toBe('Sun, 06 Nov 1994 08:49:37 GMT')
  })

  it.each([
    '',
    'now',
    '0',
    'Sun, 31 Feb 2020 00:00:00 GMT',
    'Sun, 01 Foo 2020 00:00:00 GMT',
    'Sun, 01 Jan 2020 25:00:00 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
    '1994-11-06',
  ])('are none: %j', (text) => {
    expect(parseDate(text)).toBeUndefined()
  })
})

describe('entity tags', () => {
  it('are read and compared', () => {
    const tags = ETags.parse('"a", W/"b" , "c,d", "bad tag", broken, W/"')
    expect([...tags.strong, '|', ...tags.weak]).toEqual(['a', 'c,d', '|', 'b'])
    expect([tags.contains('b'), tags.containsWeak('b'), tags.containsWeak('x')]).toEqual([false, true, false])
    expect(tags.toString()).toBe('"a", "c,d", W/"b"')
    expect(ETags.parse('*').contains('anything')).toBe(true)
    expect(ETags.parse(undefined).isEmpty).toBe(true)
    expect(unquoteEtag(quoteEtag('x', true))).toEqual({ tag: 'x', weak: true })
    for (const bad of ['x', '"', 'W/"', '"a b"', '""x', undefined]) expect(unquoteEtag(bad)).toBeUndefined()
  })
})

describe('ranges', () => {
  it('are read and written', () => {
    for (const text of ['=0-', '\r=0-', 'a b=0-', 'bytes,=0-']) expect(Range.parse(text)).toBeUndefined()
    for (const text of ['bytes=0-499', 'bytes=500-', 'bytes=-5', 'bytes=0-0,5-9,-1'])
      expect(Range.parse(text)?.toString()).toBe(text)
    expect(Range.parse('bytes=0-499')?.rangeForLength(100)).toEqual([0, 100])
    expect(Range.parse('bytes=-5')?.rangeForLength(0)).toBeUndefined()
    for (const text of ['bytes 0-499/1234', 'bytes 0-499/*', 'bytes */1234'])
      expect(ContentRange.parse(text)?.toString()).toBe(text)
    for (const text of ['bytes 5-4/10', 'bytes 0-10/10', 'bytes */*', 'bytes', ''])
      expect(ContentRange.parse(text)).toBeUndefined()
    expect(IfRange.parse('"x"').toString()).toBe('"x"')
    expect(IfRange.parse('Sun, 06 Nov 1994 08:49:37 GMT').toString()).toBe('Sun, 06 Nov 1994 08:49:37 GMT')
  })
})

describe('CacheControl', () => {
  it('takes for a directive only what has a name of one', () => {
    expect(new CacheControl('a b=1, =2, @=3, no-store, "=4').toString()).toBe('no-store')
  })

  it('is read and written', () => {
    const control = new CacheControl('Max-Age=60, no-cache="Set-Cookie, X", max-age=70, max-stale, stale-if-error=x,')
    expect([control.maxAge, control.noCache, control.maxStale, control.staleIfError]).toEqual([
      60,
      'Set-Cookie, X',
      true,
      undefined,
    ])
    control.immutable = true
    control.noCache = false
    expect(control.toString()).toBe('max-age=60, max-stale, stale-if-error=x, immutable')
  })
})

describe('checkPreconditions', () => {
  const check = (method: string, fields: object, validators: Parameters<typeof checkPreconditions>[1]) =>
    checkPreconditions(environOf({ REQUEST_METHOD: method, ...fields }), validators)

  it('guards what a PUT would overwrite', () => {
    expect(check('PUT', { HTTP_IF_MATCH: '"a"' }, { etag: 'a' })).toBeUndefined()
    expect(check('PUT', { HTTP_IF_MATCH: '"a"' }, { etag: 'b' })).toBe(412)
    expect(check('PUT', { HTTP_IF_MATCH: '*' }, { exists: false })).toBe(412)
    expect(check('PUT', { HTTP_IF_NONE_MATCH: '*' }, { exists: false })).toBeUndefined()
    expect(check('PUT', { HTTP_IF_NONE_MATCH: '*' }, { etag: 'a' })).toBe(412)
    expect(check('PUT', { HTTP_IF_UNMODIFIED_SINCE: httpDate(0) }, { lastModified: new Date(1000) })).toBe(412)
    expect(check('PUT', { HTTP_IF_MODIFIED_SINCE: httpDate(5000) }, { lastModified: new Date(1000) })).toBeUndefined()
  })

  it('says whether a client has something already', () => {
    expect(isResourceModified(environOf({ HTTP_IF_NONE_MATCH: 'W/"a"' }), { etag: 'a' })).toBe(false)
    expect(isResourceModified(new Request(environOf({ HTTP_IF_NONE_MATCH: '"b"' })), { etag: 'a' })).toBe(true)
  })
})

describe('what comes from clients', () => {
  /** Each once made some expression somewhere take its time. */
  const blowUps = [
    'a'.repeat(100_000),
    ' '.repeat(100_000),
    ','.repeat(100_000),
    ';'.repeat(100_000),
    '"'.repeat(100_001),
    '\\'.repeat(100_000),
    'a=' + '\\"'.repeat(50_000),
    'a/b;' + 'a="'.repeat(30_000),
    'W/"'.repeat(30_000),
    'bytes=' + '0-'.repeat(50_000),
    'bytes=' + '0-1,'.repeat(30_000),
    'Basic ' + 'A'.repeat(100_000) + '!',
    'Digest ' + 'a="\\"",'.repeat(15_000),
    'a/b;q=0.1,'.repeat(10_000),
    'en-' + 'a-'.repeat(50_000),
    '=;'.repeat(50_000),
    '.'.repeat(100_000) + '!',
    '\t \t'.repeat(30_000) + 'x',
  ]

  it.each(blowUps.map((text): [string, string] => [text.slice(0, 12), text]))('takes no time to read: %j…', (_, text) => {
    const startMs = performance.now()
    const request = new Request(
      environOf({
        CONTENT_TYPE: text,
        HTTP_COOKIE: text,
        HTTP_ACCEPT: text,
        HTTP_ACCEPT_LANGUAGE: text,
        HTTP_ACCEPT_ENCODING: text,
        HTTP_ACCEPT_CHARSET: text,
        HTTP_AUTHORIZATION: text,
        HTTP_CACHE_CONTROL: text,
        HTTP_IF_MATCH: text,
        HTTP_IF_NONE_MATCH: text,
        HTTP_IF_MODIFIED_SINCE: text,
        HTTP_IF_RANGE: text,
        HTTP_RANGE: text,
        HTTP_X_FORWARDED_FOR: text,
        HTTP_HOST: text,
        QUERY_STRING: text,
      }),
    )
    const read = [
      () => request.mimetypeParams,
      () => request.cookies,
      () => request.accept.bestMatch(['text/html', 'application/json']),
      () => request.acceptLanguages.bestMatch(['de', 'en']),
      () => request.acceptEncodings.bestMatch(['gzip']),
      () => request.acceptCharsets.bestMatch(['utf-8']),
      () => request.authorization,
      () => request.cacheControl.maxAge,
      () => [request.ifMatch, request.ifNoneMatch, request.ifModifiedSince, request.ifRange, request.range],
      () => request.accessRoute,
      () => request.args,
      () => checkPreconditions(request, { etag: 'x', lastModified: new Date() }),
    ]
    for (const each of read) each()
    expect(() => request.host).toThrow(expect.objectContaining({ status: 400 }))
    // Some milliseconds; what is quadratic in 100,000 characters takes minutes.
    expect(performance.now() - startMs).toBeLessThan(2000)
  })

  it('is not compared with what we have when it is too long', () => {
    expect(new Accept('type', `text/html;q=0,${'a/b,'.repeat(2000)}`).bestMatch(['text/html'])).toBe('text/html')
  })
})

describe('Local', () => {
  interface Values {
    user: { name: string; greet(): string }
  }
  class User {
    readonly #name: string
    constructor(name: string) {
      this.#name = name
    }
    get name(): string {
      return this.#name
    }
    greet(): string {
      return `I am ${this.#name}`
    }
  }

  it('has values for what is going on, and a proxy for each', async () => {
    const local = new Local<Values>()
    const user = local.proxy('user')
    const visit = (name: string) =>
      local.run({}, async () => {
        local.set('user', new User(name))
        await new Promise(setImmediate)
        return [user.name, user.greet(), user instanceof User, local.get('user')?.name]
      })
    expect(await Promise.all([visit('a'), visit('b')])).toEqual([
      ['a', 'I am a', true, 'a'],
      ['b', 'I am b', true, 'b'],
    ])
    expect([local.active, local.get('user')]).toEqual([false, undefined])
    expect(() => user.name).toThrow('no user here')
    expect(() => local.set('user', new User('x'))).toThrow('nothing is going on')
    local.run({ user: new User('x') }, () => {
      local.release()
      expect(local.get('user')).toBeUndefined()
    })
  })

  it('reaches into the body of a response, which the server asks for', async () => {
    const local = new Local<Values>()
    const inner = Request.application((request) => {
      local.set('user', new User(request.args.get('name', 'nobody')))
      async function* chunks() {
        for (let index = 0; index < 3; index++) {
          await new Promise(setImmediate)
          yield `${local.get('user')?.name} `
        }
      }
      return new Response(chunks())
    })
    const { base, errors } = await served(local.middleware(inner))
    const texts = await Promise.all(['a', 'b'].map(async (name) => (await fetch(`${base}/?name=${name}`)).text()))
    expect(texts).toEqual(['a a a ', 'b b b '])
    expect(errors).toEqual([])
  })

  it('stands for functions and objects as they are when they are used', () => {
    let target: Record<string, number> = { a: 1 }
    const proxy = localProxy(() => target)
    target = { b: 2 }
    proxy.c = 3
    delete proxy.b
    expect([Object.keys(proxy), 'c' in proxy, { ...proxy }]).toEqual([['c'], true, { c: 3 }])
    expect(localProxy(() => (x: number) => x + 1)(1)).toBe(2)
  })
})
