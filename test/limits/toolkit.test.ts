import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  Accept,
  HTTPException,
  MultipartDecoder,
  Range,
  Request,
  SignedCookies,
  safeJoin,
  secureFilename,
} from '../../src/toolkit/index.ts'
import type { RequestOptions } from '../../src/toolkit/index.ts'
import { DEFAULT_LIMITS } from '../../src/toolkit/request-limits.ts'
import { setCookieField } from '../../src/toolkit/set-cookie.ts'
import { environOf, pieces } from '../toolkit/called.ts'

type Read = (request: Request) => Promise<unknown>

async function statusOf(read: Read, body: string | Uint8Array, options: RequestOptions, variables: Record<string, string> = {}) {
  const bytes = Buffer.from(body)
  const environ = environOf({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: String(bytes.length), ...variables }, pieces(bytes, 65_536))
  const request = new Request(environ, options)
  try {
    await read(request)
    return 200
  } catch (error) {
    if (error instanceof HTTPException) return error.status
    throw error
  } finally {
    await request.close()
  }
}

const data: Read = (request) => request.data()
const form: Read = (request) => request.form()
const FORM = { CONTENT_TYPE: 'multipart/form-data; boundary=b' }
const URL_ENCODED = { CONTENT_TYPE: 'application/x-www-form-urlencoded' }
const field = (name: string, content: string, more = ''): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`
const END = '--b--\r\n'

interface Case {
  readonly read: Read
  /** What is as large as this by the limit's measure. */
  readonly body: (size: number) => string | Uint8Array
  readonly variables?: Record<string, string>
  readonly status: number
  readonly more?: RequestOptions
}

/** A row for each limit of `RequestLimits` that is a number. */
const CASES: Readonly<Record<string, Case>> = {
  maxContentLength: { read: data, body: (size) => 'x'.repeat(size), status: 413 },
  maxDataSize: { read: data, body: (size) => 'x'.repeat(size), status: 413 },
  // The name counts, too.
  maxFormMemorySize: { read: form, body: (size) => field('a', 'x'.repeat(size - 1)) + END, variables: FORM, status: 413 },
  maxFormParts: { read: form, body: (size) => field('a', 'x').repeat(size) + END, variables: FORM, status: 413 },
  maxFileSize: { read: form, body: (size) => field('a', 'x'.repeat(size), '; filename="f"') + END, variables: FORM, status: 413 },
  maxPartHeaderSize: {
    read: form,
    body: (size) => {
      const known = 'Content-Disposition: form-data; name="a"\r\nX: '
      return `--b\r\n${known}${'x'.repeat(size - known.length - 2)}\r\n\r\nv\r\n${END}`
    },
    variables: FORM,
    status: 431,
  },
  maxDecompressedSize: {
    read: data,
    body: (size) => gzipSync(Buffer.alloc(size)),
    variables: { HTTP_CONTENT_ENCODING: 'gzip' },
    status: 413,
    more: { decompress: true },
  },
}

const LIMIT = 150

describe.each(Object.entries(CASES))('%s', (name, { read, body, variables, status, more }) => {
  it(`is kept where it is ${LIMIT}`, async () => {
    const statuses = []
    for (const size of [LIMIT - 1, LIMIT, LIMIT + 1]) {
      statuses.push(await statusOf(read, body(size), { ...more, [name]: LIMIT }, variables))
    }
    expect(statuses).toEqual([200, 200, status])
  })

  const byDefault = Object.entries(DEFAULT_LIMITS).find(([each]) => each === name)?.[1]
  if (byDefault === undefined) return
  it(`is ${byDefault} without a word`, async () => {
    expect(await statusOf(read, body(byDefault), { ...more }, variables)).toBe(200)
    expect(await statusOf(read, body(byDefault + 1), { ...more }, variables)).toBe(status)
  })
})

describe('of a url-encoded form', () => {
  it('maxFormMemorySize counts its bytes, maxFormParts its fields', async () => {
    const bytes = (size: number): Promise<number> => statusOf(form, 'x'.repeat(size), { maxFormMemorySize: 100 }, URL_ENCODED)
    expect([await bytes(99), await bytes(100), await bytes(101)]).toEqual([200, 200, 413])
    const fields = (count: number): Promise<number> =>
      statusOf(form, Array.from({ length: count }, () => 'a=b').join('&'), { maxFormParts: 10 }, URL_ENCODED)
    expect([await fields(9), await fields(10), await fields(11)]).toEqual([200, 200, 413])
  })
})

describe('of a multipart form, whatever a request allows', () => {
  const statusOfHead = (text: string): number => {
    const decoder = new MultipartDecoder('b', { maxParts: 10, maxPartHeaderSize: 100_000 })
    try {
      for (const _ of decoder.push(Buffer.from(text)));
      decoder.finish()
      return 200
    } catch (error) {
      if (error instanceof HTTPException) return error.status
      throw error
    }
  }

  it('16 fields of a part, not 17', () => {
    const part = (count: number): string =>
      `--b\r\nContent-Disposition: form-data; name=a\r\n${'X: y\r\n'.repeat(count - 1)}\r\nv\r\n${END}`
    expect([15, 16, 17].map((count) => statusOfHead(part(count)))).toEqual([200, 200, 431])
  })

  it('a preamble of 1024 bytes, not more', () => {
    // The line end in front of the delimiter is the delimiter's; one stands in front of all that comes.
    const part = (size: number): string => `${'x'.repeat(size - 2)}\r\n${field('a', 'v')}${END}`
    expect([1023, 1024, 1025].map((size) => statusOfHead(part(size)))).toEqual([200, 200, 400])
  })

  it('64 bytes of white space behind a boundary, not 65', () => {
    const part = (size: number): string => `--b${' '.repeat(size)}\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n${END}`
    expect([63, 64, 65].map((size) => statusOfHead(part(size)))).toEqual([200, 200, 400])
  })
})

describe('of single fields', () => {
  it('64 ranges are read, 65 are not', () => {
    const ranges = (count: number): number | undefined =>
      Range.parse(`bytes=${Array(count).fill('0-1').join(',')}`)?.ranges.length
    expect([ranges(63), ranges(64), ranges(65)]).toEqual([63, 64, undefined])
  })

  it('4096 characters of Accept are read, a longer one is as if it were not there', () => {
    const accepts = (size: number): boolean => new Accept('type', `text/plain;a=${'x'.repeat(size - 13)}`).accepts('text/html')
    // Without the field, everything is accepted.
    expect([accepts(4095), accepts(4096), accepts(4097)]).toEqual([false, false, true])
  })

  it('4096 bytes of a cookie’s name and value are set, 4097 throw; 1024 of an attribute, 1025 throw', () => {
    const cookie = (size: number) => () => setCookieField('c', 'x'.repeat(size - 2))
    const domain = (size: number) => () => setCookieField('c', 'x', { path: `/${'x'.repeat(size - 1)}` })
    const refused = expect.objectContaining({ code: 'TSGI_ERR_HEADER_INVALID' })
    for (const size of [4095, 4096]) expect(cookie(size)).not.toThrow()
    expect(cookie(4097)).toThrow(refused)
    for (const size of [1023, 1024]) expect(domain(size)).not.toThrow()
    expect(domain(1025)).toThrow(refused)
  })

  it('a key of 32 bytes signs, one of 31 does not; a signed cookie over 4096 characters is not looked at', () => {
    const signing = (size: number) => () => new SignedCookies({ keys: ['k'.repeat(size)] })
    for (const size of [32, 33]) expect(signing(size)).not.toThrow()
    expect(signing(31)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
    const cookies = signing(32)()
    const reads = Array.from({ length: 40 }, (_, index) => cookies.sign('c', 'x'.repeat(3000 + index))).map((signed) => [
      signed.length,
      cookies.unsign('c', signed) !== undefined,
    ])
    expect(reads.every(([length, isRead]) => isRead === Number(length) <= 4096)).toBe(true)
    expect(reads.some(([length]) => Number(length) > 4096) && reads.some(([length]) => Number(length) <= 4096)).toBe(true)
  })

  it('names and paths of clients are cut, or refused, where file systems end', () => {
    expect([254, 255, 256, 5000].map((size) => secureFilename('a'.repeat(size)).length <= 255)).toEqual([true, true, true, true])
    const path = (size: number): boolean => safeJoin('/srv', 'a/'.repeat(size / 2)) !== undefined
    expect([path(4094), path(4096), path(4098)]).toEqual([true, true, false])
  })
})
