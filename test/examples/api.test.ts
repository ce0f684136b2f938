import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { serveExample } from './served-example.ts'

const EMMA = { title: 'Emma', author: 'Jane Austen', year: 1815 }

type Ask = (
  method: string,
  path: string,
  options?: { body?: unknown; raw?: string; headers?: Record<string, string> },
) => Promise<Got>

interface Got {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown>
}

async function start(): Promise<Ask> {
  const { url } = await serveExample('api.ts')
  return async (method, path, { body, raw, headers } = {}) => {
    const text = raw ?? (body === undefined ? null : JSON.stringify(body))
    const type: Record<string, string> = text === null ? {} : { 'Content-Type': 'application/json' }
    const response = await fetch(url + path, { method, body: text, headers: { ...type, ...headers } })
    const answer = await response.text()
    return { status: response.status, headers: response.headers, json: answer === '' ? {} : (JSON.parse(answer) as Got['json']) }
  }
}

requires('dist').describe('the JSON API', () => {
  it('adds, shows, lists and sorts', async () => {
    const ask = await start()
    const added = await ask('POST', '/books', { body: EMMA })
    expect(added).toMatchObject({ status: 201, json: { url: '/books/1', ...EMMA } })
    expect(added.headers.get('location')).toBe('/books/1')
    expect(added.headers.get('etag')).toBe('"1-1"')
    await ask('POST', '/books', { body: { title: 'Beloved', author: 'Toni Morrison', year: 1987 } })
    expect((await ask('GET', '/books/1')).json).toMatchObject(EMMA)
    expect(await ask('GET', '/books?after=1')).toMatchObject({ status: 200, json: { books: [{ url: '/books/2' }], next: null } })
    expect((await ask('GET', '/books/by/title')).json).toMatchObject({ books: [{ title: 'Beloved' }, { title: 'Emma' }] })
    expect((await ask('GET', '/books/by/year')).json).toMatchObject({ books: [{ year: 1815 }, { year: 1987 }] })
  })

  it('lists page by page', async () => {
    const ask = await start()
    for (let count = 0; count < 101; count++) await ask('POST', '/books', { body: EMMA })
    const first = await ask('GET', '/books')
    expect(first.json.books).toHaveLength(100)
    expect(first.json.next).toBe('/books?after=100')
    expect(await ask('GET', '/books?after=100')).toMatchObject({ json: { books: [{ url: '/books/101' }], next: null } })
  })

  it('tells who has it that it is the same', async () => {
    const ask = await start()
    await ask('POST', '/books', { body: EMMA })
    expect((await ask('GET', '/books/1', { headers: { 'If-None-Match': '"1-1"' } })).status).toBe(304)
    const etag = (await ask('GET', '/books')).headers.get('etag') ?? ''
    expect((await ask('GET', '/books', { headers: { 'If-None-Match': etag } })).status).toBe(304)
    await ask('POST', '/books', { body: EMMA })
    expect((await ask('GET', '/books', { headers: { 'If-None-Match': etag } })).status).toBe(200)
  })

  it('changes and removes only what the client has seen', async () => {
    const ask = await start()
    await ask('POST', '/books', { body: EMMA })
    const body = { ...EMMA, year: 1816 }
    expect((await ask('PUT', '/books/1', { body })).status).toBe(428)
    const changed = await ask('PUT', '/books/1', { body, headers: { 'If-Match': '"1-1"' } })
    expect(changed).toMatchObject({ status: 200, json: { year: 1816 } })
    expect((await ask('PUT', '/books/1', { body: EMMA, headers: { 'If-Match': '"1-1"' } })).status).toBe(412)
    expect((await ask('DELETE', '/books/1', { headers: { 'If-Match': '"1-1"' } })).status).toBe(412)
    expect((await ask('DELETE', '/books/1', { headers: { 'If-Match': changed.headers.get('etag') ?? '' } })).status).toBe(204)
    expect((await ask('GET', '/books/1')).status).toBe(404)
  })

  it('lets one of many who change the same win', async () => {
    const ask = await start()
    await ask('POST', '/books', { body: EMMA })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, year) =>
        ask('PUT', '/books/1', { body: { ...EMMA, year: year + 1 }, headers: { 'If-Match': '"1-1"' } }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 19 }, () => 412)])
  })

  it('refuses what is no book, and says why as JSON', async () => {
    const ask = await start()
    for (const [raw, status, errors] of [
      ['{', 400, {}],
      ['[]', 422, { title: expect.any(String), author: expect.any(String), year: expect.any(String) }],
      ['null', 422, { title: expect.any(String) }],
      [JSON.stringify({ ...EMMA, title: ' ' }), 422, { title: expect.any(String) }],
      [JSON.stringify({ ...EMMA, year: '1815' }), 422, { year: expect.any(String) }],
      [JSON.stringify({ ...EMMA, price: 3 }), 422, { price: 'is not known' }],
      ['{"__proto__": {"title": "x"}}', 422, { title: expect.any(String) }],
      [JSON.stringify({ ...EMMA, title: 'x'.repeat(200_000) }), 413, {}],
    ] as const) {
      const got = await ask('POST', '/books', { raw })
      expect(got, raw.slice(0, 80)).toMatchObject({ status, json: { status } })
      expect(got.json.errors ?? {}, raw.slice(0, 80)).toMatchObject(errors)
      expect(got.headers.get('content-type')).toBe('application/problem+json')
    }
    expect((await ask('GET', '/books')).json.books).toEqual([])
  })

  it('answers what is not there, not allowed or not JSON as JSON, also for a browser', async () => {
    const ask = await start()
    const headers = { Accept: 'text/html' }
    for (const [method, path, status] of [
      ['GET', '/', 404],
      ['GET', '/books/7', 404],
      ['GET', '/books/x', 404],
      ['GET', '/books/by/price', 404],
      ['PATCH', '/books', 405],
    ] as const) {
      const got = await ask(method, path, { headers })
      expect(got, path).toMatchObject({ status, json: { status } })
      expect(got.headers.get('content-type')).toBe('application/problem+json')
    }
    expect((await ask('PATCH', '/books')).headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST')
    // As a form of another site would send it.
    expect((await ask('POST', '/books', { raw: JSON.stringify(EMMA), headers: { 'Content-Type': 'text/plain' } })).status).toBe(
      415,
    )
  })
})
