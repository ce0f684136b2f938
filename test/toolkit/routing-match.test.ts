import { describe, expect, it } from 'vitest'
import {
  EndpointPrefix,
  Map as UrlMap,
  MethodNotAllowed,
  NotFound,
  RequestRedirect,
  Rule,
  RuleTemplate,
  Subdomain,
  Submount,
  WebsocketMismatch,
} from '../../src/toolkit/index.ts'
import type { MapOptions, RuleOptions, RuleSource } from '../../src/toolkit/index.ts'

/** A map of patterns, each its own endpoint. */
function mapOf(patterns: readonly string[], options: MapOptions = {}, rule: RuleOptions = {}): UrlMap {
  const sources: RuleSource[] = patterns.map((pattern) => new Rule(pattern as '/', { ...rule, endpoint: pattern }))
  return new UrlMap(sources, options)
}

function newUrl(match: () => unknown): string {
  try {
    match()
  } catch (error) {
    if (error instanceof RequestRedirect) return error.newUrl
    throw error
  }
  throw new Error('no redirect')
}

describe('the order of rules', () => {
  const urls = mapOf([
    '/',
    '/<path:rest>',
    '/<name>',
    '/<int:id>',
    '/about',
    '/<name>/edit',
    '/<int:id>/edit',
    '/v<int:version>',
    '/<path:page>/history',
    '/<a>-<b>',
    '/<any(new, old):state>',
  ]).bind('localhost')

  it.each([
    ['/', '/', {}],
    ['/about', '/about', {}],
    ['/someone', '/<name>', { name: 'someone' }],
    ['/7', '/<int:id>', { id: 7 }],
    ['/007', '/<int:id>', { id: 7 }],
    ['/7/edit', '/<int:id>/edit', { id: 7 }],
    ['/x/edit', '/<name>/edit', { name: 'x' }],
    ['/v2', '/v<int:version>', { version: 2 }],
    ['/vx', '/<name>', { name: 'vx' }],
    ['/a/b/history', '/<path:page>/history', { page: 'a/b' }],
    ['/a/b/c', '/<path:rest>', { rest: 'a/b/c' }],
    ['/x-y-z', '/<a>-<b>', { a: 'x-y', b: 'z' }],
    ['/99999999999999999999', '/<name>', { name: '99999999999999999999' }],
    ['/a/', '/<path:rest>', { rest: 'a/' }],
  ])('%s is %s', (path, endpoint, values) => {
    expect(urls.match(path)).toEqual([endpoint, values])
  })

  it('is that of text before variables, and of narrow before wide ones, however the rules were added', () => {
    const reversed = mapOf(['/<name>', '/<any(new, old):state>', '/new'].reverse()).bind('localhost')
    expect(reversed.match('/new')[0]).toBe('/new')
    expect(reversed.match('/old')[0]).toBe('/<any(new, old):state>')
  })

  it('goes on to the next rule where a value is out of range', () => {
    const ranged = mapOf(['/<int(min=1, max=9):digit>', '/<word>', '/<int:id>/a', '/<word>/b']).bind('localhost')
    expect(ranged.match('/9')[1]).toEqual({ digit: 9 })
    expect(ranged.match('/10')[1]).toEqual({ word: '10' })
    expect(ranged.match('/10/b')[1]).toEqual({ word: '10' })
  })
})

describe('converters', () => {
  it.each([
    ['<string(length=2):x>', 'ab', 'ab'],
    ['<string(length=2):x>', 'abc', undefined],
    ['<string(minlength=2, maxlength=3):x>', 'abc', 'abc'],
    ['<string(minlength=2, maxlength=3):x>', 'abcd', undefined],
    ['<string(2):x>', 'a', undefined],
    ['<string(maxlength=2):x>', '😀😀', '😀😀'],
    ['<string(maxlength=2):x>', '😀😀😀', undefined],
    ['<any(one, "two words", \'three\'):x>', 'two words', 'two words'],
    ['<any(one, "two words"):x>', 'on', undefined],
    ['<int(4):x>', '0042', 42],
    ['<int(fixed_digits=4):x>', '42', undefined],
    ['<int(signed=true):x>', '-5', -5],
    ['<int(signed=True):x>', '-0', 0],
    ['<int:x>', '-5', undefined],
    ['<int(min=-3, signed=true):x>', '-4', undefined],
    ['<int:x>', '9007199254740991', 9007199254740991],
    ['<int:x>', '9007199254740993', undefined],
    ['<int:x>', '٣', undefined],
    ['<int:x>', '1\n', undefined],
    ['<float:x>', '1.50', 1.5],
    ['<float:x>', '1', undefined],
    ['<float:x>', '1e5', undefined],
    ['<float(min=1, max=2):x>', '2.1', undefined],
    ['<float(signed=true):x>', '-2.25', -2.25],
    ['<uuid:x>', '6BA7B810-9DAD-11D1-80B4-00C04FD430C8', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
    ['<uuid:x>', '6ba7b8109dad11d180b400c04fd430c8', undefined],
    ['<path:x>', 'a//b/..', 'a//b/..'],
    ['<x>', '', undefined],
    ['<x>', 'é ☃%', 'é ☃%'],
  ])('%s of %j is %j', (pattern, text, value) => {
    const urls = mapOf([`/x/${pattern}`]).bind('localhost')
    const match = (): unknown => urls.match(`/x/${text}`)[1].x
    if (value === undefined) expect(match).toThrow(NotFound)
    else expect(match()).toEqual(value)
  })

  it.each([
    ['posts', 'starts with a slash'],
    ['/<int:>', 'is no variable'],
    ['/<id', 'is no variable'],
    ['/a>', 'without its'],
    ['/<a>/<a>', 'twice'],
    ['/<__proto__>', 'can have this name'],
    ['/<nothing:x>', 'there is no converter'],
    ['/<int(mni=3):x>', 'no argument'],
    ['/<int(1, 2):x>', 'one argument too many'],
    ['/<int(min=3, min=4):x>', 'twice'],
    ['/<int(min=a):x>', 'no number'],
    ['/<int(min=3,):x>', 'no list of arguments'],
    ['/<int(min=4, max=3):x>', 'max is less'],
    ['/<string(length=0):x>', 'no text is that long'],
    ['/<any():x>', 'lists nothing'],
    ['/<any("a/b"):x>', 'no part of a path'],
  ])('%s is refused: %s', (pattern, message) => {
    expect(() => mapOf([pattern])).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_ROUTE', message: expect.stringContaining(message) as string }) as Error,
    )
  })
})

describe('slashes', () => {
  const urls = mapOf(['/leaf', '/branch/', '/posts/<int:id>/', '/files/<path:path>/', '/wiki/<path:page>', '/']).bind(
    'localhost',
    {
      scriptName: '/app',
      queryString: 'a=%20&b',
    },
  )

  it.each([
    ['/branch', 'http://localhost/app/branch/?a=%20&b'],
    ['/posts/7', 'http://localhost/app/posts/7/?a=%20&b'],
    ['/files/a/b', 'http://localhost/app/files/a/b/?a=%20&b'],
    ['//leaf', 'http://localhost/app/leaf?a=%20&b'],
    ['/posts///7/', 'http://localhost/app/posts/7/?a=%20&b'],
    ['/posts//7', 'http://localhost/app/posts/7/?a=%20&b'],
    ['', 'http://localhost/app/?a=%20&b'],
    ['//branch', 'http://localhost/app/branch/?a=%20&b'],
  ])('%j is redirected to %s', (path, url) => {
    expect(newUrl(() => urls.match(path))).toBe(url)
  })

  it.each([
    ['/branch/', {}],
    ['/files/a/b/', { path: 'a/b' }],
    ['/files/a//b/', { path: 'a//b' }],
    ['/wiki/a//b/', { page: 'a//b/' }],
  ])('%j is what it is', (path, values) => {
    expect(urls.match(path)[1]).toEqual(values)
  })

  it('too many at the end are not found', () => {
    expect(() => urls.match('/leaf/')).toThrow(NotFound)
    expect(() => urls.match('/posts/x')).toThrow(NotFound)
  })

  it('are forgiven without a redirect where strictSlashes is off', () => {
    const lenient = mapOf(['/leaf', '/branch/', '/p/<path:p>/'], { strictSlashes: false }).bind('localhost')
    for (const path of ['/leaf', '/leaf/', '/branch', '/branch/', '/p/x', '/p/x/']) expect(lenient.test(path)).toBe(true)
    expect(lenient.match('/leaf/')[0]).toBe('/leaf')
    expect(() => lenient.match('/leaf//')).toThrow(RequestRedirect)
  })

  it('are not merged where mergeSlashes is off, for the map or for a rule', () => {
    expect(() => mapOf(['/a/b'], { mergeSlashes: false }).bind('x').match('/a//b')).toThrow(NotFound)
    expect(() => mapOf(['/a/b'], {}, { mergeSlashes: false }).bind('x').match('/a//b')).toThrow(NotFound)
    expect(mapOf(['/a//b'], { mergeSlashes: false }).bind('x').match('/a//b')[0]).toBe('/a//b')
  })

  it('of a redirect never make another host of a path', () => {
    const map = new UrlMap([new Rule('/<x>/<y>/', { endpoint: 'x', mergeSlashes: false })], { mergeSlashes: false })
    const odd = map.bind('localhost')
    expect(() => odd.match('//evil.example')).toThrow(NotFound)
    const path = new UrlMap([new Rule('//<x>/', { endpoint: 'x' })], { mergeSlashes: false }).bind('localhost')
    let error: unknown
    try {
      path.match('//evil.example')
    } catch (thrown) {
      error = thrown
    }
    expect((error as RequestRedirect).getResponse().location).toBe('http://localhost//evil.example/')
  })

  it('of a redirect stay on the host without naming it', () => {
    let error: unknown
    try {
      urls.match('/branch')
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(RequestRedirect)
    const response = (error as RequestRedirect).getResponse()
    expect(response.statusCode).toBe(308)
    expect(response.location).toBe('/app/branch/?a=%20&b')
  })
})

describe('methods', () => {
  const urls = new UrlMap([
    new Rule('/', { endpoint: 'read', methods: ['GET'] }),
    new Rule('/', { endpoint: 'write', methods: ['post', 'PUT'] }),
    new Rule('/branch/', { endpoint: 'branch', methods: ['GET'] }),
    new Rule('/any', { endpoint: 'any' }),
  ]).bind('localhost')

  it('choose the rule, HEAD with GET', () => {
    expect(urls.match('/', { method: 'GET' })[0]).toBe('read')
    expect(urls.match('/', { method: 'HEAD' })[0]).toBe('read')
    expect(urls.match('/', { method: 'POST' })[0]).toBe('write')
    expect(urls.match('/any', { method: 'PURGE' })[0]).toBe('any')
  })

  it('that no rule takes are 405, with those that are taken', () => {
    expect(() => urls.match('/', { method: 'DELETE' })).toThrow(MethodNotAllowed)
    try {
      urls.match('/', { method: 'DELETE' })
    } catch (error) {
      expect((error as MethodNotAllowed).validMethods).toEqual(['GET', 'HEAD', 'POST', 'PUT'])
    }
    expect(() => urls.match('/branch', { method: 'POST' })).toThrow(MethodNotAllowed)
    expect(() => urls.match('/nothing', { method: 'POST' })).toThrow(NotFound)
  })

  it('can be asked for', () => {
    expect(urls.allowedMethods('/')).toEqual(['GET', 'HEAD', 'POST', 'PUT'])
    expect(urls.allowedMethods('/any')).toEqual([])
    expect(urls.allowedMethods('/nothing')).toEqual([])
  })

  it('do not stand in the way of another rule further on', () => {
    const both = new UrlMap([
      new Rule('/<name>', { endpoint: 'wide', methods: ['POST'] }),
      new Rule('/x', { endpoint: 'narrow', methods: ['GET'] }),
    ]).bind('localhost')
    expect(both.match('/x', { method: 'POST' })).toEqual(['wide', { name: 'x' }])
  })
})

describe('test', () => {
  it('is true of what matches and of redirects', () => {
    const urls = mapOf(['/a', '/b/']).bind('localhost')
    expect(['/a', '/b', '/b/', '/c'].map((path) => urls.test(path))).toEqual([true, true, true, false])
  })
})

describe('websocket', () => {
  it('rules are for handshakes, others are not', () => {
    const urls = new UrlMap([
      new Rule('/', { endpoint: 'page' }),
      new Rule('/', { endpoint: 'live', websocket: true }),
      new Rule('/ws', { endpoint: 'ws', websocket: true }),
    ]).bind('localhost')
    expect(urls.match('/')[0]).toBe('page')
    expect(urls.match('/', { websocket: true })[0]).toBe('live')
    expect(() => urls.match('/ws')).toThrow(WebsocketMismatch)
    expect(urls.build('ws')).toBe('ws://localhost/ws')
  })
})

describe('redirects by rule', () => {
  const map = new UrlMap([
    new Rule('/pages/', { endpoint: 'pages', defaults: { page: 1 } }),
    new Rule('/pages/<int:page>', { endpoint: 'pages' }),
    new Rule('/index.html', { endpoint: 'pages', defaults: { page: 1 }, alias: true }),
    new Rule('/old/<int:page>', { redirectTo: '/pages/<page>' }),
    new Rule('/gone/<path:where>', { redirectTo: (_urls, { where }) => `https://archive.example/${String(where)}` }),
    new Rule('/odd/<path:where>', { redirectTo: '<where>' }),
    new Rule('/host/<path:where>', { redirectTo: 'https://<where>.example.org/<where>' }),
  ])
  const urls = map.bind('localhost', { scriptName: '/app', queryString: 'q=1' })

  it('go from a value to the rule whose default it is', () => {
    expect(newUrl(() => urls.match('/pages/1'))).toBe('http://localhost/app/pages/?q=1')
    expect(urls.match('/pages/')[1]).toEqual({ page: 1 })
    expect(urls.match('/pages/2')[1]).toEqual({ page: 2 })
  })

  it('go from an alias to what it stands for', () => {
    expect(newUrl(() => urls.match('/index.html'))).toBe('http://localhost/app/pages/?q=1')
  })

  it('go where redirectTo says, under the mount point or elsewhere', () => {
    expect(newUrl(() => urls.match('/old/3'))).toBe('http://localhost/app/pages/3?q=1')
    expect(newUrl(() => urls.match('/gone/a/b'))).toBe('https://archive.example/a/b?q=1')
  })

  it('take nothing of a client for more than a path', () => {
    expect(newUrl(() => urls.match('/odd/https://evil.example'))).toBe('http://localhost/app/https://evil.example?q=1')
    expect(newUrl(() => urls.match('/host/evil.example/x'))).toBe('https://evil.example%2Fx.example.org/evil.example/x?q=1')
    expect(newUrl(() => urls.match('/odd/a?b#c\r\nd'))).toBe('http://localhost/app/a%3Fb%23c%0D%0Ad?q=1')
  })

  it('are none where redirectDefaults is off', () => {
    const plain = new UrlMap(
      [...map.iterRules()].filter(({ options }) => options.redirectTo === undefined).map((rule) => rule as Rule),
      {
        redirectDefaults: false,
      },
    ).bind('localhost')
    expect(plain.match('/pages/1')[1]).toEqual({ page: 1 })
  })
})

describe('hosts', () => {
  const map = new UrlMap(
    [
      new Rule('/', { endpoint: 'www', host: 'www.example.org' }),
      new Rule('/', { endpoint: 'user', host: '<user>.example.org' }),
      new Rule('/anywhere', { endpoint: 'anywhere' }),
    ],
    { hostMatching: true },
  )

  it.each([
    ['www.example.org', 'www', {}],
    ['WWW.example.org:8080', 'www', {}],
    ['ann.example.org', 'user', { user: 'ann' }],
  ])('%s is %s', (host, endpoint, values) => {
    expect(map.bind(host).match('/')).toEqual([endpoint, values])
  })

  it('that no rule names have the rules without one', () => {
    expect(() => map.bind('other.example').match('/')).toThrow(NotFound)
    expect(map.bind('other.example').match('/anywhere')[0]).toBe('anywhere')
  })

  it('are built with the port of the request', () => {
    const urls = map.bind('www.example.org:8080')
    expect(urls.build('www')).toBe('/')
    expect(urls.build('user', { user: 'ann' })).toBe('http://ann.example.org:8080/')
    expect(() => urls.build('user', { user: 'a/b' })).toThrow('take one of these values back')
  })
})

describe('subdomains', () => {
  const map = new UrlMap([
    new Rule('/', { endpoint: 'site' }),
    new Subdomain('api', [new Rule('/', { endpoint: 'api' })]),
    new Rule('/', { endpoint: 'user', subdomain: '<user>.users' }),
  ])

  it('choose the rule', () => {
    expect(map.bind('example.org').match('/')[0]).toBe('site')
    expect(map.bind('example.org', { subdomain: 'api' }).match('/')[0]).toBe('api')
    expect(map.bind('example.org', { subdomain: 'ann.users' }).match('/')).toEqual(['user', { user: 'ann' }])
    expect(() => map.bind('example.org', { subdomain: 'other' }).match('/')).toThrow(NotFound)
  })

  it('make URLs of other hosts whole', () => {
    const urls = map.bind('example.org', { subdomain: 'api', urlScheme: 'https' })
    expect(urls.build('api')).toBe('/')
    expect(urls.build('site')).toBe('https://example.org/')
    expect(urls.build('user', { user: 'ann' })).toBe('https://ann.users.example.org/')
    expect(urls.build('api', {}, { external: true })).toBe('https://api.example.org/')
  })
})

describe('rules that are added later', () => {
  it('count from then on, or not at all where one of them is none', () => {
    const map = new UrlMap([new Rule('/', { endpoint: 'site' as string })])
    const urls = map.bind('example.org')
    map.rule('/later', { endpoint: 'later' })
    expect(() => map.add(new Submount('', [new Rule('/x', { endpoint: 'x' }), new Rule('/<no:y>', { endpoint: 'y' })]))).toThrow(
      'no converter',
    )
    map.add(new Rule('/', { endpoint: 'api', subdomain: 'api' }))
    expect(urls.match('/later')[0]).toBe('later')
    expect(urls.test('/x')).toBe(false)
    expect(urls.match('/')[0]).toBe('site')
    expect(map.bind('example.org', { subdomain: 'api' }).match('/')[0]).toBe('api')
    expect(map.iterRules('api')).toHaveLength(1)
    expect(map.isEndpointExpecting('api', 'id')).toBe(false)
  })
})

describe('groups of rules', () => {
  it('stand under a path, with a prefix, or of a template', () => {
    const template = new RuleTemplate([
      new Rule('/${name}s/', { endpoint: '$name.list' }),
      new Rule('/$name/<int:id>', { endpoint: '${name}.show', defaults: { kind: '$name' } }),
    ])
    const map = new UrlMap([
      new Submount('/blog/', [
        new Rule('/', { endpoint: 'blog' }),
        new EndpointPrefix('blog.', [
          new Rule('/<slug>', { endpoint: 'show' }),
          new Submount('/<lang>', [new Rule('/x', { endpoint: 'x' })]),
        ]),
      ]),
      template.with({ name: 'user' }),
    ])
    const urls = map.bind('localhost')
    expect(urls.match('/blog/')[0]).toBe('blog')
    expect(urls.match('/blog/hello')).toEqual(['blog.show', { slug: 'hello' }])
    expect(urls.match('/blog/de/x')).toEqual(['blog.x', { lang: 'de' }])
    expect(urls.match('/users/')[0]).toBe('user.list')
    expect(urls.match('/user/3')).toEqual(['user.show', { id: 3, kind: 'user' }])
    expect(() => new UrlMap([template.with({})])).toThrow('no value')
  })
})

describe('a text made to take long', () => {
  const map = mapOf(['/<a>-<b>-<c>-<d>-<e>.x', '/p/<path:a>/x/<path:b>/x/<path:c>/y', '/m/<a><b><c><d>!'])

  it.each([
    ['one separator repeated', `/${'-'.repeat(60_000)}`],
    ['paths in paths', `/p/${'a/x/'.repeat(15_000)}`],
    ['variables side by side', `/m/${'a'.repeat(60_000)}`],
    ['nothing but slashes', '/'.repeat(60_000)],
  ])('%s is refused in time', (_name, path) => {
    const urls = map.bind('localhost')
    const start = performance.now()
    expect(urls.test(path)).toBe(false)
    // Without a bound these take from minutes to years.
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
