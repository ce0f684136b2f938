import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { brotliDecompressSync, createBrotliDecompress, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Application } from '../../src/index.ts'
import { compress } from '../../src/middleware/index.ts'
import { saying, served } from './served.ts'

const LONG = 'The quick brown fox. '.repeat(200)

interface Got {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

async function get(application: Application, headers: Record<string, string>, method = 'GET'): Promise<Got> {
  const { base } = await served(application)
  return new Promise((resolve, reject) => {
    const sent = request(base, { headers, method }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }))
      response.on('error', reject)
    })
    sent.on('error', reject).end()
  })
}

function unpacked({ headers, body }: Got): string {
  const coding = headers['content-encoding']
  if (coding === undefined) return body.toString()
  return (coding === 'br' ? brotliDecompressSync(body) : gunzipSync(body)).toString()
}

describe('compress', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['br;q=0, gzip;q=0', undefined],
    ['*', 'br'],
    ['identity', undefined],
    ['deflate', undefined],
    ['nonsense;;;q=', undefined],
  ])('answers Accept-Encoding: %s with %s', async (accepted, coding) => {
    const got = await get(compress()(saying(LONG)), { 'Accept-Encoding': accepted })
    expect(got.headers['content-encoding']).toBe(coding)
    expect(unpacked(got)).toBe(LONG)
    expect(got.headers['content-length']).toBe(String(got.body.length))
    expect(got.headers.vary).toBe('Accept-Encoding')
  })

  it.each<[string, Application]>([
    ['a short body', saying('short')],
    ['a picture', saying(LONG, 'image/png')],
    ['what has a coding', withFields([['Content-Encoding', 'deflate']])],
    ['what must not be transformed', withFields([['Cache-Control', 'public, no-transform']])],
  ])('leaves %s as it is', async (_what, application) => {
    const got = await get(compress()(application), { 'Accept-Encoding': 'gzip' })
    expect(got.headers['content-encoding']).not.toBe('gzip')
    expect(got.body.length).toBeGreaterThan(0)
  })

  it('leaves parts and answers without a body as they are', async () => {
    const part: Application = (_environ, startResponse) => {
      startResponse('206 Partial Content', [
        ['Content-Type', 'text/plain'],
        ['Content-Range', `bytes 0-${LONG.length - 1}/${LONG.length * 2}`],
      ])
      return LONG
    }
    expect((await get(compress()(part), { 'Accept-Encoding': 'gzip' })).body.toString()).toBe(LONG)
    expect(
      (await get(compress()(saying(LONG)), { 'Accept-Encoding': 'gzip' }, 'HEAD')).headers['content-encoding'],
    ).toBeUndefined()
    const unchanged: Application = (_environ, startResponse) => {
      startResponse('304 Not Modified', [['ETag', '"a"']])
      return null
    }
    expect(await get(compress()(unchanged), { 'Accept-Encoding': 'gzip' })).toMatchObject({
      status: 304,
      headers: { etag: '"a"' },
    })
  })

  it('weakens the ETag, offers no ranges, and keeps another Vary', async () => {
    const application = withFields([
      ['ETag', '"x"'],
      ['Accept-Ranges', 'bytes'],
      ['Vary', 'Origin'],
      ['Content-Length', String(LONG.length)],
    ])
    const got = await get(compress()(application), { 'Accept-Encoding': 'gzip' })
    expect(got.headers).toMatchObject({ etag: 'W/"x"', vary: 'Origin, Accept-Encoding' })
    expect(got.headers['accept-ranges']).toBeUndefined()
    expect(unpacked(got)).toBe(LONG)
  })

  it('sends each chunk of a stream at once, compressed', async () => {
    let goOn = (): void => {}
    let closed = 0
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/event-stream']])
      async function* events(): AsyncGenerator<string> {
        yield 'data: one\n\n'
        await new Promise<void>((resolve) => (goOn = resolve))
        yield 'data: two\n\n'
      }
      return Object.assign(events(), { close: () => void closed++ })
    }
    const { base } = await served(compress()(application))
    const heard: string[] = []
    await new Promise<void>((resolve, reject) => {
      const sent = request(base, { headers: { 'Accept-Encoding': 'br' } }, (response) => {
        const plain = response.pipe(createBrotliDecompress())
        plain.on('data', (chunk: Buffer) => {
          heard.push(chunk.toString())
          goOn()
        })
        plain.on('end', resolve)
        plain.on('error', reject)
      })
      sent.on('error', reject).end()
    })
    expect(heard).toEqual(['data: one\n\n', 'data: two\n\n'])
    expect(closed).toBe(1)
  })

  it('compresses what is written ahead of the returned body', async () => {
    const application: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Type', 'text/plain']])
      await write(LONG)
      return ['and ', 'more']
    }
    const got = await get(compress()(application), { 'Accept-Encoding': 'gzip' })
    expect(got.headers['content-encoding']).toBe('gzip')
    expect(unpacked(got)).toBe(`${LONG}and more`)
  })

  it('lets a second head take the place of one that has not left', async () => {
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']])
      startResponse('500 Internal Server Error', [['Content-Type', 'text/plain']], [new Error('later')])
      return LONG
    }
    expect(await get(compress()(application), { 'Accept-Encoding': 'gzip' })).toMatchObject({ status: 500 })
  })

  it('leaves the failures of an application to the server', async () => {
    const failing: Application = () => {
      throw new Error('broken')
    }
    expect((await get(compress()(failing), {})).status).toBe(500)
    const silent: Application = () => 'no head'
    expect((await get(compress()(silent), {})).status).toBe(500)
  })
})

function withFields(fields: readonly (readonly [string, string])[]): Application {
  return (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain'], ...fields])
    return LONG
  }
}
