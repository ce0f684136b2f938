import { expect, it } from 'vitest'
import { DIRECT_WAYS, expectComplete } from '../conformance/bench.ts'
import { latin1 } from '../wire/bytes.ts'
import { formOf, sameTwice } from './looks.ts'

// Taken before a fetch application is served: see `exchangeGlobals`.
const NativeRequest = globalThis.Request
const { overFetch } = await import('./served.ts')

type Look = (request: Request) => unknown

async function outcomeOf(look: Look, request: Request): Promise<unknown> {
  try {
    return { value: await look(request) }
  } catch (error) {
    return { error: error instanceof Error ? error.constructor.name : String(error) }
  }
}

async function attempt(run: () => unknown): Promise<unknown> {
  try {
    return await run()
  } catch (error) {
    return error instanceof Error ? error.constructor.name : 'thrown'
  }
}

const BODY = '{"text":"hällo €"}'

const LOOKS: Readonly<Record<string, Look>> = {
  'method and url': (request) => [request.method, request.url],
  'header fields': (request) => [...request.headers].filter(([name]) => name !== 'content-length'),
  'the same headers each time': (request) => sameTwice(request, 'headers'),
  'the same body each time': (request) => sameTwice(request, 'body'),
  'the same signal each time': (request) => [sameTwice(request, 'signal'), request.signal.aborted],
  'its constants': ({
    cache,
    credentials,
    destination,
    integrity,
    keepalive,
    mode,
    redirect,
    referrer,
    referrerPolicy,
    duplex,
  }) => [cache, credentials, destination, integrity, keepalive, mode, redirect, referrer, referrerPolicy, duplex],
  instanceof: (request) => [request instanceof Request, request instanceof NativeRequest, request instanceof Response],
  'its constructor': (request) => request.constructor === Request,
  'its name': (request) => [String(request), request.constructor.name, Object.keys(request).length],
  'text()': async (request) => [await request.text(), request.bodyUsed],
  'json()': (request) => request.json(),
  'arrayBuffer()': async (request) => {
    const buffer = await request.arrayBuffer()
    return [buffer instanceof ArrayBuffer, buffer.byteLength, Buffer.from(buffer).toString()]
  },
  'blob()': async (request) => {
    const blob = await request.blob()
    return [blob.type, await blob.text()]
  },
  'blob() of a type that was set': async (request) => {
    request.headers.set('content-type', 'a/b')
    return (await request.blob()).type
  },
  'formData()': async (request) => [...(await formOf(request))],
  'text() twice': async (request) => [await request.text(), await attempt(() => request.text())],
  'json() behind text()': async (request) => [await request.text(), await attempt(() => request.json())],
  'body behind text()': async (request) => {
    await request.text()
    return [request.body?.locked, request.bodyUsed]
  },
  'clone() behind text()': async (request) => {
    await request.text()
    return request.clone().url
  },
  'new Request() behind text()': async (request) => {
    await request.text()
    return new Request(request).url
  },
  'new Request() with a body behind text()': async (request) => {
    await request.text()
    return await new Request(request, { method: 'PUT', body: 'another' }).text()
  },
  'the mode behind text()': async (request) => {
    await request.text()
    return [request.mode, request.bodyUsed, await attempt(() => request.text())]
  },
  'text() behind the mode': async (request) => [request.mode, await request.text(), request.bodyUsed],
  'text() behind body': async (request) => [request.body === null, request.bodyUsed, await request.text(), request.bodyUsed],
  'text() behind a reader': async (request) => {
    const reader = request.body?.getReader()
    return [reader === undefined, await attempt(() => request.text())]
  },
  'body, piece by piece': async (request) => {
    const pieces: Uint8Array[] = []
    for await (const piece of request.body ?? []) pieces.push(piece as Uint8Array)
    return [Buffer.concat(pieces).toString(), request.bodyUsed]
  },
  'a reader of its own buffer': async (request) => {
    const reader = request.body?.getReader({ mode: 'byob' })
    const bytes: number[] = []
    for (;;) {
      const step = await reader?.read(new Uint8Array(5))
      if (step === undefined || step.done) return Buffer.from(bytes).toString()
      bytes.push(...step.value)
    }
  },
  'a body that is cancelled': async (request) => {
    await request.body?.cancel()
    return [request.bodyUsed, await attempt(() => request.text())]
  },
  'tee()': async (request) => {
    const branches = request.body?.tee() ?? []
    return await Promise.all(branches.map((branch) => new Response(branch).text()))
  },
  'clone()': async (request) => {
    const clone = request.clone()
    clone.headers.set('x-clone', '1')
    return [await clone.text(), await request.text(), request.headers.has('x-clone'), clone instanceof Request, clone.url]
  },
  'clone() twice': async (request) => {
    const [first, second] = [request.clone(), request.clone()]
    return [await second.text(), await request.text(), await first.text()]
  },
  'new Request()': async (request) => {
    request.headers.set('x-set', 'before')
    const other = new Request(request)
    other.headers.set('x-other', '1')
    return [
      other.method,
      other.url,
      other.headers.get('x-set'),
      request.headers.has('x-other'),
      await other.text(),
      request.bodyUsed,
    ]
  },
  'new Request() behind the mode and a set header': async (request) => {
    void request.mode
    request.headers.set('x-set', 'behind')
    request.headers.delete('x-one')
    const other = new Request(request)
    return [other.headers.get('x-set'), other.headers.has('x-one')]
  },
  'new Request() with other headers': (request) => {
    const other = new Request(request, { headers: { 'x-only': '1' } })
    return [other.method, [...other.headers].filter(([name]) => name !== 'content-type')]
  },
  'new Request() with another method': async (request) => {
    const other = new Request(request, { method: 'PUT', body: 'another' })
    return [other.method, await other.text(), request.bodyUsed]
  },
  'new Request() of another url': async (request) => {
    // A Request is read as an init by its members.
    const other = new Request('http://other.test/x', request)
    return [other.method, other.url, other.headers.get('x-one'), await other.text()]
  },
  'new Request() follows the signal': (request) => {
    const controller = new AbortController()
    const other = new Request(request, { signal: controller.signal })
    controller.abort()
    return [other.signal.aborted, request.signal.aborted]
  },
  'new URL()': (request) => new URL(request.url).pathname,
  'members of its own': (request) => {
    const own = request as Request & { context?: string }
    own.context = 'kept'
    return [own.context, Object.keys(own)]
  },
  'fetch() of an aborted one': async (request) => {
    const controller = new AbortController()
    controller.abort()
    return await attempt(() => fetch(request, { signal: controller.signal }).then(() => 'answered'))
  },
  'its members by for-in': (request) => {
    const names = new Set<string>()
    for (const name in request) names.add(name)
    return [...names].sort()
  },
}

const CONTENT = 'application/json'
const FIELDS = [
  ['X-One', '1'],
  ['X-Two', 'a'],
  ['X-Two', 'b'],
  ['Cookie', 'a=1'],
] as const

overFetch(DIRECT_WAYS, 'a Request of ours is as a native one', (bench, use) => {
  for (const method of ['GET', 'POST']) {
    it.each(Object.keys(LOOKS))(`${method}: %s`, async (name) => {
      const look = LOOKS[name]
      if (look === undefined) throw new Error('no such case')
      let outcomes: unknown[] = []
      use(async (request) => {
        const headers = new Headers([
          ['host', 'tsgi.test:8000'],
          ...FIELDS.map(([field, value]): [string, string] => [field, value]),
        ])
        if (method !== 'GET') headers.set('content-type', CONTENT)
        const body = method === 'GET' ? {} : { body: new Blob([BODY]).stream(), duplex: 'half' as const }
        const native = new NativeRequest(`http://tsgi.test:8000/a%20b?c=d`, { method, headers, ...body })
        outcomes = [await outcomeOf(look, request), await outcomeOf(look, native)]
        return new Response('looked')
      })
      const body = Buffer.from(BODY)
      const answer = await bench.send({
        method,
        target: '/a%20b?c=d',
        headers: [...FIELDS, ...(method === 'GET' ? [] : ([['Content-Type', CONTENT]] as const))],
        ...(method === 'GET' ? {} : { body }),
      })
      expectComplete(answer)
      expect(outcomes[0]).toEqual(outcomes[1])
    })
  }

  it('has what newer Node versions have', async () => {
    use(async (request) => Response.json([...(await (request as Request & { bytes: () => Promise<Uint8Array> }).bytes())]))
    const answer = await bench.send({ method: 'POST', body: latin1('abc') })
    expect(JSON.parse(answer.text)).toEqual([97, 98, 99])
  })
})
