import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BaseConverter, BuildError, Map as UrlMap, MultiDict, Response, Rule, ValidationError } from '../../src/toolkit/index.ts'
import { decodePath } from '../../src/gateway/request-target.ts'
import type { Request } from '../../src/toolkit/index.ts'

const showPost = (_request: Request, { id }: { id: number }): Response => new Response(String(id))

const urls = new UrlMap([
  new Rule('/', { endpoint: 'index' }),
  new Rule('/posts/<int:id>', { endpoint: showPost }),
  new Rule('/blog/', { endpoint: 'blog', defaults: { page: 1 } }),
  new Rule('/blog/<int:page>/', { endpoint: 'blog' }),
  new Rule('/search', { endpoint: 'search' }),
  new Rule('/wiki/<path:page>', { endpoint: 'wiki' }),
  new Rule('/files/<name>.<ext>', { endpoint: 'file' }),
  new Rule('/café/<name>', { endpoint: 'café' }),
  new Rule('/save', { endpoint: 'save', methods: ['POST'] }),
  new Rule('/save/new', { endpoint: 'save', methods: ['PUT'] }),
  new Rule('/numbers/<float(signed=true):x>/<int(3, signed=true):n>', { endpoint: 'numbers' }),
]).bind('example.org', { scriptName: '/app', urlScheme: 'https' })

describe('build', () => {
  it.each([
    ['index', {}, '/app/'],
    [showPost, { id: 7 }, '/app/posts/7'],
    [showPost, { id: '7' }, '/app/posts/7'],
    ['blog', {}, '/app/blog/'],
    ['blog', { page: 1 }, '/app/blog/'],
    ['blog', { page: 2 }, '/app/blog/2/'],
    ['wiki', { page: 'a b/ü?#%&=+' }, '/app/wiki/a%20b/%C3%BC%3F%23%25&=+'],
    ['café', { name: 'x y' }, '/app/caf%C3%A9/x%20y'],
    ['file', { name: 'a.tar', ext: 'gz' }, '/app/files/a.tar.gz'],
    ['search', { q: 'a&b', tags: ['x', 'y'], none: undefined, nothing: null }, '/app/search?q=a%26b&tags=x&tags=y'],
    [
      'search',
      new MultiDict([
        ['q', 'a'],
        ['q', 'b'],
        ['r', 'c'],
      ]),
      '/app/search?q=a&q=b&r=c',
    ],
    ['numbers', { x: 3, n: -7 }, '/app/numbers/3.0/-007'],
    ['numbers', { x: -1e-7, n: 7 }, '/app/numbers/-0.0000001/007'],
    ['numbers', { x: 1.5e-9, n: 1 }, '/app/numbers/0.0000000015/001'],
    ['numbers', { x: 1.25e22, n: 1 }, '/app/numbers/12500000000000000000000.0/001'],
  ])('%s with %o is %s', (endpoint, values, url) => {
    expect(urls.build(endpoint, values)).toBe(url)
  })

  it('makes whole URLs, of another scheme, with an anchor, without a query', () => {
    expect(urls.build('index', {}, { external: true })).toBe('https://example.org/app/')
    expect(urls.build('index', {}, { scheme: 'http' })).toBe('http://example.org/app/')
    expect(urls.build('search', { q: 1 }, { anchor: 'a b' })).toBe('/app/search?q=1#a%20b')
    expect(urls.build('search', { q: 1 }, { appendUnknown: false })).toBe('/app/search')
  })

  it('chooses by method, the own one first', () => {
    expect(urls.build('save')).toBe('/app/save')
    expect(urls.build('save', {}, { method: 'put' })).toBe('/app/save/new')
    expect(() => urls.build('save', {}, { method: 'GET' })).toThrow('Did you mean methods "POST", "PUT"')
  })

  it('sorts what goes into the query where the map says so', () => {
    const rules = [new Rule('/', { endpoint: 'x' })]
    expect(new UrlMap(rules, { sortParameters: true }).bind('h').build('x', { b: 2, a: 1 })).toBe('/?a=1&b=2')
    const byValue = new UrlMap(rules, { sortParameters: true, sortKey: (_name, value) => Number(value) })
    expect(byValue.bind('h').build('x', { a: 2, b: 1 })).toBe('/?b=1&a=2')
  })

  it('knows rules that are for building alone', () => {
    const map = new UrlMap([new Rule('/static/<path:name>', { endpoint: 'static', buildOnly: true })])
    expect(map.bind('h').build('static', { name: 'a.css' })).toBe('/static/a.css')
    expect(map.bind('h').test('/static/a.css')).toBe(false)
  })

  it.each([
    ['indx', {}, 'Did you mean "index" instead?'],
    ['showPots', {}, 'Did you mean "showPost" instead?'],
    ['nowhere near', {}, 'No rule has this endpoint'],
    [showPost, {}, 'Did you forget to give values "id"?'],
    ['file', { name: 'a' }, 'Did you forget to give values "ext"?'],
    [showPost, { id: 'x' }, 'does not take one of these values back'],
    [showPost, { id: 1.5 }, 'does not take one of these values back'],
    ['file', { name: 'a/b', ext: 'c' }, 'does not take one of these values back'],
    ['file', { name: 'a', ext: 'b.c' }, 'does not take one of these values back'],
    ['wiki', { page: 'a/../../b' }, 'does not take one of these values back'],
    ['wiki', { page: '/evil.example' }, 'does not take one of these values back'],
    ['wiki', { page: '' }, 'does not take one of these values back'],
    ['café', { name: '..' }, 'does not take one of these values back'],
    ['café', { name: { some: 'object' } }, 'does not take one of these values back'],
  ])('%s with %o says: %s', (endpoint, values, message) => {
    expect(() => urls.build(endpoint, values)).toThrow(BuildError)
    expect(() => urls.build(endpoint, values)).toThrow(message)
    expect(() => urls.build(endpoint, values)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_URL_BUILD' }) as Error)
  })

  it('suggests an endpoint', () => {
    try {
      urls.build('serach')
    } catch (error) {
      expect((error as BuildError).suggested).toBe('search')
    }
    expect.assertions(1)
  })
})

describe('converters of your own', () => {
  class DateConverter extends BaseConverter<Date> {
    override readonly regex = '\\d{4}-\\d{2}-\\d{2}'

    override toValue(text: string): Date {
      const date = new Date(`${text}T00:00:00Z`)
      if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text)) throw new ValidationError('no day')
      return date
    }

    override toUrl(value: Date): string {
      return value.toISOString().slice(0, 10)
    }
  }
  const map = new UrlMap([new Rule('/<date:day>', { endpoint: 'day' })], { converters: { date: DateConverter } })

  it('turn text into values and back', () => {
    const day = new Date('2024-02-29T00:00:00Z')
    expect(map.bind('h').match('/2024-02-29')).toEqual(['day', { day }])
    expect(map.bind('h').build('day', { day })).toBe('/2024-02-29')
    expect(map.bind('h').test('/2023-02-29')).toBe(false)
  })
})

describe('a URL that was built', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  const segment = text.filter((each) => !each.includes('/'))
  const map = new UrlMap([
    new Rule('/<int(signed=true):id>/<slug>', { endpoint: 'one' }),
    new Rule('/x/<path:rest>/edit/', { endpoint: 'two' }),
    new Rule('/y/<a>-<b>.<float(signed=true):c>', { endpoint: 'three' }),
    new Rule('/z/<string(length=3):code>/<uuid:id>', { endpoint: 'four' }),
  ]).bind('localhost')
  const values = fc.oneof(
    fc.record({
      endpoint: fc.constant('one'),
      values: fc.record({ id: fc.maxSafeInteger().map((id) => id + 0), slug: segment }),
    }),
    fc.record({ endpoint: fc.constant('two'), values: fc.record({ rest: text }) }),
    fc.record({
      endpoint: fc.constant('three'),
      values: fc.record({ a: segment, b: segment, c: fc.double({ noNaN: true, noDefaultInfinity: true }).map((c) => c + 0) }),
    }),
    fc.record({ endpoint: fc.constant('four'), values: fc.record({ code: segment, id: fc.uuid() }) }),
  )

  it('matches with the values that it was built of', () => {
    let built = 0
    fc.assert(
      fc.property(values, ({ endpoint, values: given }) => {
        let url: string
        try {
          url = map.build(endpoint, given)
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError)
          return
        }
        built++
        // What a client makes of it, and the server of that.
        const { pathname, search } = new URL(url, 'http://localhost')
        expect(search).toBe('')
        expect(map.match(decodePath(pathname))).toEqual([endpoint, given])
      }),
      { numRuns: 2000 },
    )
    expect(built).toBeGreaterThan(500)
  })

  it('is a path of this host, whatever the values are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (page) => {
        let url: string
        try {
          url = urls.build('wiki', { page })
        } catch {
          return
        }
        expect(new URL(url, 'https://example.org').host).toBe('example.org')
        expect(url).toMatch(/^\/app\/wiki\/[\x21-\x7e]+$/)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('any path', () => {
  it('is matched, redirected or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        expect(typeof urls.test(path)).toBe('boolean')
      }),
      { numRuns: 1000 },
    )
  })

  it('that is redirected is found where it is sent to', () => {
    const redirecting = new UrlMap([
      new Rule('/<a>/', { endpoint: 'a' }),
      new Rule('/<a>/<int:b>', { endpoint: 'b' }),
      new Rule('/p/<path:c>/', { endpoint: 'c' }),
    ]).bind('localhost')
    const pieces = fc.constantFrom('/', '//', 'x', 'p', '7', 'é', '%', '?', '#')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (list) => {
        const path = `/${list.join('')}`
        try {
          redirecting.match(path)
        } catch (error) {
          if (!(error instanceof Error) || !('newUrl' in error)) return
          const { pathname } = new URL(String(error.newUrl))
          expect(redirecting.match(decodePath(pathname))).toHaveLength(2)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
