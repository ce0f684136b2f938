import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { fetchHandler } from '../../src/adapters/fetch-application.ts'
import { formOf, sameTwice } from './looks.ts'

const before = { Request, Response, Headers, fetch }
const early = { request: new Request('http://tsgi.test/'), response: new Response('early') }
const descriptors = (['Request', 'Response', 'fetch'] as const).map((name) => Object.getOwnPropertyDescriptor(globalThis, name))

describe('what the process knows as Request, Response and fetch', () => {
  it('is left alone until a fetch application is served, and exchanged once', () => {
    expect({ Request, Response, Headers, fetch }).toEqual(before)
    fetchHandler(() => new Response())
    const exchanged = { Request, Response, fetch }
    fetchHandler({ fetch: () => new Response() })
    expect(Request).toBe(exchanged.Request)
    expect(Response).toBe(exchanged.Response)
    expect(fetch).toBe(exchanged.fetch)
    expect(Headers).toBe(before.Headers)
  })

  it('looks as it did', () => {
    expect([Request.name, Response.name, fetch.name]).toEqual([before.Request.name, before.Response.name, before.fetch.name])
    expect([Request.length, Response.length, fetch.length]).toEqual([
      before.Request.length,
      before.Response.length,
      before.fetch.length,
    ])
    for (const [index, name] of (['Request', 'Response', 'fetch'] as const).entries()) {
      const { enumerable, configurable } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {}
      expect({ enumerable, configurable }).toEqual({
        enumerable: descriptors[index]?.enumerable,
        configurable: descriptors[index]?.configurable,
      })
    }
    expect(String(new Response())).toBe('[object Response]')
    expect(String(new Request('http://tsgi.test/'))).toBe('[object Request]')
    expect((): unknown => Reflect.apply(Response, undefined, [])).toThrow(TypeError)
    expect((): unknown => Reflect.apply(Request, undefined, ['http://tsgi.test/'])).toThrow(TypeError)
  })

  it('agrees on what is an instance of what', () => {
    for (const value of [
      new Response('x'),
      Response.json({}),
      Response.error(),
      Response.redirect('http://tsgi.test/', 302),
      early.response,
    ]) {
      expect(value instanceof Response).toBe(true)
      expect(value instanceof before.Response).toBe(true)
      expect(value.constructor).toBe(Response)
    }
    for (const value of [new Request('http://tsgi.test/'), early.request]) {
      expect(value instanceof Request).toBe(true)
      expect(value instanceof before.Request).toBe(true)
      expect(value.constructor).toBe(Request)
    }
    const strangers: unknown[] = [{}, null, undefined, 'Response', early.request, runInNewContext('({})')]
    for (const value of strangers) expect(value instanceof Response).toBe(false)
    expect(early.response instanceof Request).toBe(false)
  })

  it('can be extended', async () => {
    class TextResponse extends Response {
      constructor(text: string) {
        super(text.toUpperCase(), { headers: { 'x-kind': 'text' } })
      }
      get kind(): string | null {
        return this.headers.get('x-kind')
      }
    }
    const response = new TextResponse('abc')
    expect(response instanceof TextResponse).toBe(true)
    expect(response instanceof Response).toBe(true)
    expect(new Response() instanceof TextResponse).toBe(false)
    expect(early.response instanceof TextResponse).toBe(false)
    expect(response.kind).toBe('text')
    expect(await response.text()).toBe('ABC')
    class NamedRequest extends Request {
      get named(): string {
        return `${this.method} ${this.url}`
      }
    }
    const request = new NamedRequest('http://tsgi.test/a', { method: 'PUT' })
    expect(request.named).toBe('PUT http://tsgi.test/a')
    expect(request instanceof NamedRequest && request instanceof Request).toBe(true)
    expect(new Request('http://tsgi.test/') instanceof NamedRequest).toBe(false)
  })

  it('takes a stream as the body of a Request without duplex', async () => {
    const body = new Blob(['streamed']).stream()
    const request = new Request('http://tsgi.test/', { method: 'POST', body })
    expect(await request.text()).toBe('streamed')
  })
})

type Outcome = { value: unknown } | { error: string }

async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { value: await run() }
  } catch (error) {
    return { error: error instanceof Error ? error.constructor.name : String(error) }
  }
}

/** Everything that can be seen of a Response. */
async function seen(response: Response): Promise<unknown> {
  const { status, statusText, ok, type, url, redirected, bodyUsed } = response
  const headers = [...response.headers]
  const body = response.body === null ? null : typeof response.body.getReader
  return {
    status,
    statusText,
    ok,
    type,
    url,
    redirected,
    bodyUsed,
    headers,
    body,
    text: await response.text(),
    after: response.bodyUsed,
  }
}

type Make = (of: typeof Response) => unknown

const RESPONSES: Readonly<Record<string, Make>> = {
  nothing: (of) => seen(new of()),
  null: (of) => seen(new of(null)),
  'an empty string': (of) => seen(new of('')),
  'a string': (of) => seen(new of('hällo €')),
  bytes: (of) => seen(new of(new TextEncoder().encode('bytes'))),
  'a Buffer': (of) => seen(new of(Buffer.from('bytes'))),
  'part of a buffer': (of) => seen(new of(Buffer.from('some bytes').subarray(2, 6))),
  'an ArrayBuffer': (of) => seen(new of(new TextEncoder().encode('buffer').buffer)),
  'a DataView': (of) => seen(new of(new DataView(new TextEncoder().encode('view').buffer, 1, 2))),
  'words of 16 bits': (of) => seen(new of(new Uint16Array([0x4142, 0x4344]))),
  'a Blob with a type': (of) => seen(new of(new Blob(['blob'], { type: 'text/x' }))),
  'a Blob without a type': (of) => seen(new of(new Blob(['blob']))),
  URLSearchParams: (of) => seen(new of(new URLSearchParams({ a: '1 2' }))),
  'a stream': (of) => seen(new of(new Blob(['stream']).stream())),
  'a number as the body': (of) => seen(new of(17 as unknown as string)),
  'an object as the body': (of) => seen(new of({} as unknown as string)),
  'a locked stream': (of) => {
    const stream = new Blob(['x']).stream()
    stream.getReader()
    return new of(stream)
  },
  'a stream that was read': async (of) => {
    const stream = new Blob(['x']).stream()
    const reader = stream.getReader()
    await reader.read()
    reader.releaseLock()
    return new of(stream)
  },
  'a status': (of) => seen(new of('x', { status: 404, statusText: 'Gone fishing' })),
  'a status as text': (of) => seen(new of('x', { status: '404' as unknown as number })),
  'null as init': (of) => seen(new of('x', null as unknown as ResponseInit)),
  'a number as init': (of) => new of('x', 5 as unknown as ResponseInit),
  'status 0': (of) => new of('x', { status: 0 }),
  'status 101': (of) => new of(null, { status: 101 }),
  'status 199': (of) => new of('x', { status: 199 }),
  'status 600': (of) => new of('x', { status: 600 }),
  'a broken status': (of) => seen(new of('x', { status: 200.5 })),
  'status NaN': (of) => new of('x', { status: Number.NaN }),
  '204 with a body': (of) => new of('x', { status: 204 }),
  '205 with a body': (of) => new of('', { status: 205 }),
  '304 with a body': (of) => new of(new Uint8Array(1), { status: 304 }),
  '204 without a body': (of) => seen(new of(null, { status: 204 })),
  'a reason with a line end': (of) => new of('x', { statusText: 'a\nb' }),
  'a reason that is no latin-1': (of) => new of('x', { statusText: '€' }),
  'a plain object': (of) => seen(new of('x', { headers: { 'X-One': '1', 'x-two': ' trimmed\t' } })),
  'an object with a type': (of) => seen(new of('x', { headers: { 'Content-Type': 'text/html' } })),
  'names that differ in case': (of) => seen(new of('x', { headers: { 'X-One': '1', 'x-one': '2' } })),
  'a number as a value': (of) => seen(new of('x', { headers: { 'content-length': 1 as unknown as string } })),
  'undefined as a value': (of) => seen(new of('x', { headers: { 'x-a': undefined as unknown as string } })),
  pairs: (of) =>
    seen(
      new of('x', {
        headers: [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x-a', '1'],
          ['X-A', '2'],
        ],
      }),
    ),
  'a pair of three': (of) => new of('x', { headers: [['a', 'b', 'c']] }),
  'a Map': (of) => seen(new of('x', { headers: new Map([['x-a', '1']]) as unknown as Headers })),
  Headers: (of) => seen(new of('x', { headers: new Headers({ 'content-type': 'a/b', 'x-a': '1' }) })),
  'null as headers': (of) => new of('x', { headers: null as unknown as Headers }),
  'text as headers': (of) => new of('x', { headers: 'x-a: 1' as unknown as Headers }),
  'a bad name': (of) => new of('x', { headers: { 'x a': '1' } }),
  'a bad value': (of) => new of('x', { headers: { 'x-a': 'a\r\nb' } }),
  'a value beyond latin-1': (of) => new of('x', { headers: { 'x-a': '€' } }),
  'a value of latin-1': (of) => seen(new of('x', { headers: { 'x-a': 'é' } })),
  'an empty value': (of) => seen(new of('x', { headers: { 'x-a': '' } })),
  'headers by a prototype': (of) => seen(new of('x', { headers: Object.create({ 'x-a': '1' }) as Record<string, string> })),
  'headers that are changed afterwards': (of) => {
    const headers: Record<string, string> = { 'x-a': '1' }
    const response = new of('x', { headers })
    headers['x-a'] = '2'
    headers['x-b'] = '3'
    return seen(response)
  },
  'Headers that are changed afterwards': (of) => {
    const headers = new Headers({ 'x-a': '1' })
    const response = new of('x', { headers })
    headers.set('x-a', '2')
    return seen(response)
  },
  'bytes that are changed afterwards': (of) => {
    const bytes = new Uint8Array([65, 66])
    const response = new of(bytes)
    bytes.fill(67)
    return seen(response)
  },
  'the same headers each time': (of) => {
    const response = new of('x')
    response.headers.set('x-a', '1')
    return [sameTwice(response, 'headers'), seen(response)]
  },
  'the same body each time': (of) => {
    const response = new of('x')
    return sameTwice(response, 'body') && response.body !== null
  },
  'the stream that was given': (of) => {
    const stream = new Blob(['x']).stream()
    return new of(stream).body === stream
  },
  'text() twice': async (of) => {
    const response = new of('x')
    await response.text()
    return await response.text()
  },
  'text() twice without a body': async (of) => {
    const response = new of(null)
    await response.text()
    return [await response.text(), response.bodyUsed]
  },
  'json()': (of) => new of('{"a":[1]}').json(),
  'json() of what is none': (of) => new of('{').json(),
  'arrayBuffer()': async (of) => [...new Uint8Array(await new of('abc').arrayBuffer())],
  'blob()': async (of) => {
    const blob = await new of('abc', { headers: { 'content-type': 'a/b' } }).blob()
    return [blob.size, blob.type, await blob.text()]
  },
  'blob() of a type that was set': async (of) => {
    const response = new of('abc')
    void response.bodyUsed
    response.headers.set('content-type', 'c/d')
    return (await response.blob()).type
  },
  'formData()': async (of) => [...(await formOf(new of(new URLSearchParams({ a: 'b' }))))],
  multipart: async (of) => {
    const form = new FormData()
    form.append('a', 'b')
    form.append('f', new File(['file'], 'f.txt', { type: 'text/plain' }))
    const entries: unknown[] = []
    for (const [name, value] of await formOf(new of(form)))
      entries.push(name, typeof value === 'string' ? value : await value.text())
    return entries
  },
  'a reader of its own buffer': async (of) => {
    const reader = new of('abc').body?.getReader({ mode: 'byob' })
    const first = await reader?.read(new Uint8Array(10))
    const second = await reader?.read(new Uint8Array(10))
    return [first?.done, Buffer.from(first?.value ?? []).toString(), second?.done]
  },
  'a body that is cancelled': async (of) => {
    const response = new of('abc')
    await response.body?.cancel()
    return [response.bodyUsed, await outcomeOf(() => response.text())]
  },
  'clone()': async (of) => {
    const response = new of('abc', { status: 201, statusText: 'Made', headers: { 'x-a': '1' } })
    response.headers.set('x-b', '2')
    const clone = response.clone()
    clone.headers.set('x-c', '3')
    return [await seen(response), await seen(clone), clone instanceof of]
  },
  'clone() of bytes': async (of) => {
    const response = new of(new Uint8Array([65]))
    return [await seen(response.clone()), await seen(response)]
  },
  'clone() of a stream': async (of) => {
    const response = new of(new Blob(['stream']).stream())
    const clone = response.clone()
    return [await response.text(), await clone.text()]
  },
  'clone() behind body': async (of) => {
    const response = new of('abc')
    void response.body
    const clone = response.clone()
    return [await response.text(), await clone.text()]
  },
  'clone() of a body that was read': async (of) => {
    const response = new of('abc')
    await response.text()
    return response.clone()
  },
  'a Response of another': async (of) => {
    const other = new of('abc', { status: 201, headers: { 'x-a': '1' } })
    const response = new of(other.body, other)
    return [await seen(response), other.bodyUsed]
  },
  'a Response of another that was changed': async (of) => {
    const other = new of('abc', {
      headers: [
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
      ],
    })
    other.headers.append('set-cookie', 'c')
    const response = new of(other.body, { ...other, headers: other.headers, status: 500 })
    return seen(response)
  },
  'another as init, with its own body': (of) => seen(new of('mine', new of('theirs', { status: 202, headers: { 'x-a': '1' } }))),
  'Response.json': (of) => seen(of.json({ a: 1 })),
  'Response.json with a type': (of) => seen(of.json([1], { status: 201, headers: { 'content-type': 'a/b' } })),
  'Response.json with headers': (of) => seen(of.json('x', { headers: { 'x-a': '1' } })),
  'Response.json of nothing': (of) => of.json(undefined),
  'Response.json of a circle': (of) => {
    const circle: unknown[] = []
    circle.push(circle)
    return of.json(circle)
  },
  'Response.json with 204': (of) => of.json(1, { status: 204 }),
  'Response.redirect': (of) => seen(of.redirect('http://tsgi.test/a b', 307)),
  'Response.redirect is immutable': (of) => of.redirect('http://tsgi.test/', 302).headers.set('a', 'b'),
  'Response.redirect with a bad status': (of) => of.redirect('http://tsgi.test/', 200 as 302),
  'Response.error': (of) => {
    const response = of.error()
    return [response.status, response.type, response.ok]
  },
  'its members by for-in': (of) => {
    const names: string[] = []
    for (const name in new of('x')) names.push(name)
    return names.sort()
  },
  'its own keys': (of) => Object.keys(new of('x')),
  'text as JSON': (of) => JSON.stringify(new of('x')),
}

describe('a Response of the exchanged class behaves as a native one:', () => {
  it.each(Object.keys(RESPONSES))('%s', async (name) => {
    const make = RESPONSES[name]
    if (make === undefined) throw new Error('no such case')
    const native = await outcomeOf(() => make(before.Response))
    expect(await outcomeOf(() => make(Response))).toEqual(native)
  })
})
