import { describe, expect, expectTypeOf, it } from 'vitest'
import { BaseConverter, Map as UrlMap, Response, Rule, Submount } from '../../src/toolkit/index.ts'
import type { Endpoint, Request, RouteHandler, RuleSource, RuleValues } from '../../src/toolkit/index.ts'

declare module '../../src/toolkit/index.ts' {
  interface ConverterTypes {
    hexadecimal: bigint
  }
}

class ListConverter extends BaseConverter<string[]> {
  override toValue(text: string): string[] {
    return text.split('+')
  }

  override toUrl(value: string[]): string {
    return value.join('+')
  }
}

describe('the types of a pattern', () => {
  it('follow its converters', () => {
    expectTypeOf<RuleValues<'/posts/<int:id>/<slug>'>>().toEqualTypeOf<{ id: number; slug: string }>()
    expectTypeOf<RuleValues<'/<float(min=1, max=2.5):f>/<uuid:u>/<path:p>'>>().toEqualTypeOf<{
      f: number
      u: string
      p: string
    }>()
    expectTypeOf<RuleValues<'/<string(length=2):lang>-<string:x>.<ext>'>>().toEqualTypeOf<{
      lang: string
      x: string
      ext: string
    }>()
    expectTypeOf<keyof RuleValues<'/about'>>().toEqualTypeOf<never>()
  })

  it('list the words of any()', () => {
    expectTypeOf<RuleValues<`/<any(about, 'contact', "two words"):page>`>>().toEqualTypeOf<{
      page: 'about' | 'contact' | 'two words'
    }>()
  })

  it('know converters that were declared', () => {
    expectTypeOf<RuleValues<'/<hexadecimal:id>'>>().toEqualTypeOf<{ id: bigint }>()
  })

  it('know converters of your own, and nothing of those that they do not know', () => {
    expectTypeOf<RuleValues<'/<list:tags>/<int:id>', { list: string[] }>>().toEqualTypeOf<{ tags: string[]; id: number }>()
    expectTypeOf<RuleValues<'/<list:tags>'>>().toEqualTypeOf<{ tags: unknown }>()
    expectTypeOf<RuleValues<string>>().toEqualTypeOf<Record<string, unknown>>()
  })
})

describe('the types of a handler', () => {
  it('are those of the path, the host and the defaults', () => {
    const rule = new Rule('/posts/<int:id>/<slug>', {
      defaults: { page: 1 },
      host: '<name>.example.org',
      endpoint: (request, values) => {
        expectTypeOf(request).toEqualTypeOf<Request>()
        expectTypeOf(values).toEqualTypeOf<{ id: number; slug: string; name: string; page: number }>()
        return new Response(values.slug)
      },
    })
    expect(rule.pattern).toBe('/posts/<int:id>/<slug>')
  })

  it('are checked where a handler names them itself', () => {
    const show = (_request: Request, { id }: { id: number }): Response => new Response(String(id))
    const wrong = (_request: Request, { id }: { id: string }): Response => new Response(id)
    expectTypeOf(new Rule('/<int:id>', { endpoint: show }).options.endpoint).toExtend<Endpoint<{ id: number }> | undefined>()
    // @ts-expect-error its id is a number
    expect(new Rule('/<int:id>', { endpoint: wrong })).toBeDefined()
  })

  it('are those of the converters of the map', () => {
    const map = new UrlMap([], { converters: { list: ListConverter } })
    map.rule('/tags/<list:names>/<int:page>', {
      endpoint: (_request, values) => {
        expectTypeOf(values).toEqualTypeOf<{ names: string[]; page: number }>()
        return new Response(values.names.join())
      },
    })
    expect(map.bind('localhost').match('/tags/a+b/2')[1]).toEqual({ names: ['a', 'b'], page: 2 })
  })
})

describe('the types of a match', () => {
  it('are the endpoints of the rules', () => {
    const map = new UrlMap([
      new Rule('/', { endpoint: 'index' }),
      new Rule('/about', { endpoint: 'about' }),
      new Submount('/blog', [new Rule('/', { endpoint: 'blog' })]),
    ])
    const [endpoint] = map.bind('localhost').match('/about')
    expectTypeOf(endpoint).toEqualTypeOf<'index' | 'about' | 'blog'>()
    expect(endpoint).toBe('about')
  })

  it('are handlers of any values once rules of several kinds are together', () => {
    const sources: RuleSource[] = [
      new Rule('/<int:id>', { endpoint: (_request, { id }) => new Response(String(id)) }),
      new Rule('/', { endpoint: 'index' }),
    ]
    const [endpoint] = new UrlMap(sources).bind('localhost').match('/')
    expectTypeOf(endpoint).toEqualTypeOf<string | RouteHandler>()
    expect(endpoint).toBe('index')
  })
})
