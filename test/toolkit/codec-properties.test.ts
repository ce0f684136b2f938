import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePath, targetUnderMount } from '../../src/gateway/request-target.ts'
import { checkResponseHead } from '../../src/gateway/response-head.ts'
import { encodeResponseHead } from '../../src/protocol/response-head.ts'
import { addressOf, listOf, parseForwarded } from '../../src/server/forwarded-header.ts'
import { encodePath } from '../../src/toolkit/encode-path.ts'
import { parseParameters, quoteValue, splitList, unquote } from '../../src/toolkit/field-list.ts'
import {
  Accept,
  Authorization,
  CacheControl,
  ContentRange,
  ETags,
  httpDate,
  MultipartDecoder,
  parseDate,
  Range,
  Request,
  secureFilename,
  SignedCookies,
} from '../../src/toolkit/index.ts'
import { parseMediaType } from '../../src/toolkit/media-type.ts'
import { setCookieField } from '../../src/toolkit/set-cookie.ts'
import { latin1Arbitrary, RUNS } from '../protocol/arbitraries.ts'
import { ResponseReader } from '../wire/http-response.ts'
import { environOf, pieces } from './called.ts'

const token = fc.string({ unit: fc.constantFrom(..."abcXYZ019!#$%&'*+-.^_`|~"), minLength: 1, maxLength: 12 })
const text = fc.string({ unit: 'binary', maxLength: 60 })
const size = fc.integer({ min: 0, max: 999_999_999_999 })
const byName = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<[string, T][]> =>
  fc.uniqueArray(fc.tuple(token.map((name) => name.toLowerCase()), values), { selector: ([name]) => name, maxLength: 5 }) // prettier-ignore

describe('what is written is read again', () => {
  it('a cookie, whatever is in it', () => {
    fc.assert(
      fc.property(token, text, (name, value) => {
        const field = setCookieField(`x${name}`, value).split(';')[0]
        expect(new Request(environOf({ HTTP_COOKIE: field })).cookies.get(`x${name}`)).toBe(value)
      }),
      RUNS,
    )
  })

  it('a signed cookie; one that was changed is none', () => {
    const cookies = new SignedCookies({ keys: ['k'.repeat(32)] })
    fc.assert(
      fc.property(text, fc.nat(), fc.integer({ min: 1, max: 61 }), (value, at, by) => {
        const signed = cookies.sign('c', value)
        expect(cookies.unsign('c', signed)).toBe(value)
        expect(cookies.unsign('d', signed)).toBeUndefined()
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
        // The last digit has bits that mean nothing.
        const index = at % (signed.length - 1)
        const other = alphabet[(alphabet.indexOf(signed[index] ?? '') + 62 + by) % 62] ?? ''
        if (other !== signed[index]) {
          expect(cookies.unsign('c', signed.slice(0, index) + other + signed.slice(index + 1))).toBeUndefined()
        }
      }),
      RUNS,
    )
  })

  it('ranges', () => {
    const part = fc.oneof(
      fc.tuple(size, size).map(([start, length]): [number, number] => [start, start + length + 1]),
      size.map((start): [number, undefined] => [start, undefined]),
      size.map((last): [number, undefined] => [-last - 1, undefined]),
    )
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 64 }), (ranges) => {
        expect(Range.parse(new Range('bytes', ranges).toString())?.ranges).toEqual(ranges)
      }),
      RUNS,
    )
    fc.assert(
      fc.property(size, size, fc.option(size, { nil: undefined }), (start, length, more) => {
        const stop = start + length + 1
        const range = new ContentRange('bytes', start, stop, more === undefined ? undefined : stop + more)
        expect(ContentRange.parse(range.toString())).toEqual(range)
      }),
      RUNS,
    )
  })

  it('entity tags, dates, directives', () => {
    const tag = latin1Arbitrary(12).map((each) => each.replace(/[^\x21\x23-\x7e\x80-\xff]/g, ''))
    fc.assert(
      fc.property(fc.array(tag), fc.array(tag), (strong, weak) => {
        const tags = new ETags(strong, weak)
        expect(ETags.parse(tags.toString())).toEqual(tags)
      }),
      RUNS,
    )
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        expect(parseDate(httpDate(seconds * 1000))?.getTime()).toBe(seconds * 1000)
      }),
      RUNS,
    )
    fc.assert(
      fc.property(byName(fc.option(latin1Arbitrary(20))), (directives) => {
        const control = new CacheControl()
        for (const [name, value] of directives) control.set(name, value ?? true)
        const again = new CacheControl(control.toString())
        expect(directives.map(([name]) => again.get(name))).toEqual(directives.map(([, value]) => value ?? true))
      }),
      RUNS,
    )
  })

  it('credentials', () => {
    fc.assert(
      fc.property(
        text.map((each) => each.replaceAll(':', '')),
        text,
        (user, password) => {
          expect(Authorization.parse(Authorization.basic(user, password).toString())).toMatchObject({ username: user, password })
        },
      ),
      RUNS,
    )
  })

  it('quoted strings, lists and parameters of them', () => {
    fc.assert(
      fc.property(fc.array(latin1Arbitrary(20), { minLength: 1, maxLength: 6 }), (values) => {
        const list = values.map(quoteValue).join(', ')
        expect(splitList(list).map(unquote)).toEqual(values)
      }),
      RUNS,
    )
    fc.assert(
      fc.property(byName(latin1Arbitrary(20)), (parameters) => {
        const written = parameters.map(([name, value]) => `${name}=${quoteValue(value)}`).join('; ')
        expect([...parseParameters(written, 59)]).toEqual(parameters)
      }),
      RUNS,
    )
  })

  it('Forwarded and lists of addresses', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6())
    const hop = fc.record({ address, proto: fc.constantFrom('http', 'https'), host: token })
    fc.assert(
      fc.property(fc.array(hop, { minLength: 1, maxLength: 5 }), (hops) => {
        const written = hops.map((each) => {
          const node = each.address.includes(':') ? `"[${each.address}]:80"` : each.address
          return `for=${node};Proto=${each.proto};host=${quoteValue(each.host)}`
        })
        const read = parseForwarded(written.join(', '))
        expect(read?.map(({ proto, host }) => [proto, host])).toEqual(hops.map(({ proto, host }) => [proto, host]))
        expect(read?.every((each) => each.address !== undefined)).toBe(true)
        const addresses = hops.map((each) => each.address)
        expect(listOf(addresses.join(' , '))).toEqual(addresses)
        expect(addresses.every((each) => addressOf(each) !== undefined)).toBe(true)
      }),
      RUNS,
    )
  })

  it('what a client prefers', () => {
    const weights = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(weights, (given) => {
        const choices = given.map((weight, index) => ({ name: `text/x${index}`, weight }))
        const accept = new Accept('type', choices.map(({ name, weight }) => `${name};q=${weight / 1000}`).join(', '))
        const best = choices.reduce((a, b) => (b.weight > a.weight ? b : a))
        expect(accept.bestMatch(choices.map(({ name }) => name))).toBe(best.name)
      }),
      RUNS,
    )
  })

  it('paths, and what is left of them below a mount point', () => {
    const path = text.map((each) => `/${each}`)
    fc.assert(
      fc.property(path, path, (mount, rest) => {
        expect(decodePath(encodePath(rest))).toBe(rest)
        expect(targetUnderMount(encodePath(mount) + encodePath(rest), mount)).toBe(encodePath(rest))
      }),
      RUNS,
    )
  })

  it('the head of a response', () => {
    const value = latin1Arbitrary(30).map((each) => each.replace(/[^\x21-\x7e\x80-\xff]/g, ''))
    fc.assert(
      fc.property(fc.array(fc.tuple(token.map((name) => `x-${name}`), value), { maxLength: 8 }), (fields) => {
        const { status, fields: lines } = checkResponseHead('200 OK', fields)
        const reader = new ResponseReader('http', 'GET')
        reader.push(Buffer.from(encodeResponseHead('HTTP/1.1 ', status, `${lines}Content-Length: 0\r\n`), 'latin1'))
        expect(reader.head?.headers).toEqual([...fields, ['Content-Length', '0']])
      }), // prettier-ignore
      RUNS,
    )
  })

  it('forms of both kinds, wherever they are cut', async () => {
    const lines = (each: string): string => each.replace(/\r\n?|\n/g, '\r\n')
    // A NUL in a name is refused; values of one name stand together.
    const entry = fc.tuple(
      text.map((name) => name.replaceAll('\0', '')),
      text,
    )
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(entry, { maxLength: 5, selector: ([name]) => lines(name) }),
        fc.integer({ min: 1, max: 50 }),
        async (entries, chunk) => {
          const data = new FormData()
          for (const [name, value] of entries) data.append(name, value)
          const sent = new globalThis.Response(data)
          const type = sent.headers.get('content-type') ?? ''
          const environ = environOf(
            { REQUEST_METHOD: 'POST', CONTENT_TYPE: type },
            pieces(new Uint8Array(await sent.arrayBuffer()), chunk),
          )
          expect([...(await new Request(environ).form())].map(([name, value]) => [lines(name), value])).toEqual(
            entries.map(([name, value]) => [lines(name), lines(value)]),
          )
          const encoded = new URLSearchParams(entries).toString()
          const form = environOf(
            { REQUEST_METHOD: 'POST', CONTENT_TYPE: 'application/x-www-form-urlencoded' },
            pieces(encoded, chunk),
          )
          expect([...(await new Request(form).form())]).toEqual(entries)
          expect([...new Request(environOf({ QUERY_STRING: encoded })).args]).toEqual(entries)
        },
      ),
      { ...RUNS, numRuns: 150 },
    )
  })
})

describe('time goes with the length, whatever is repeated', () => {
  const READERS: Readonly<Record<string, (input: string) => unknown>> = {
    Range: (input) => Range.parse(`bytes=${input}`),
    'Content-Range': (input) => ContentRange.parse(input),
    ETags: (input) => ETags.parse(input),
    'Cache-Control': (input) => new CacheControl(input).toString(),
    Authorization: (input) => [
      Authorization.parse(`Digest ${input}`),
      Authorization.parse(`Basic ${input}`),
      Authorization.parse(input),
    ],
    Forwarded: (input) => [parseForwarded(input), parseForwarded(`for="${input}`), addressOf(input), listOf(input)],
    Accept: (input) => new Accept('type', input).preferred,
    'Content-Type': (input) => [parseMediaType(input), parseMediaType(`a/b; c="${input}`)],
    Cookie: (input) => new Request(environOf({ HTTP_COOKIE: input })).cookies.size,
    query: (input) => new Request(environOf({ QUERY_STRING: input })).args.size,
    path: (input) => [decodePath(input), encodePath(input), targetUnderMount(`/a/${input}`, '/a/b')],
    'file name': (input) => secureFilename(input),
    URL: (input) => new Request(environOf({ QUERY_STRING: input, PATH_INFO: input })).url,
    multipart: (input) => {
      const decoder = new MultipartDecoder('b', { maxParts: 1000, maxPartHeaderSize: 8192 })
      try {
        const begin = '--b\r\nContent-Disposition: form-data; name=a\r\n\r\n'
        for (const piece of pieces(begin + input, 1000)) for (const _ of decoder.push(piece));
        return undefined
      } catch (error) {
        return error
      }
    },
  }
  const REPEATED = [' ', '\t', ',', ';', '=', '"', '\\', '\\"', '%', '%4', '%41', 'a', '0', '-', '0-1,', 'W/"', '"a",', 'a=b,', 'a="b",', 'for=1;', 'for=1,', '[', ':', '.', '/', '../', '\r', '\r\n', '\r\n-', '\r\n--', '\r\n--b', '\0', '\xe4', '&', '+', '_', 'a/b;q=1,', '; a='] // prettier-ignore

  /** The shortest of some times, milliseconds: what else the machine does makes none shorter. */
  function shortest(read: (input: string) => unknown, input: string): number {
    const times = Array.from({ length: 3 }, () => {
      const start = performance.now()
      read(input)
      return performance.now() - start
    })
    return Math.min(...times)
  }

  it.each(Object.entries(READERS))('%s', (_, read) => {
    for (const unit of REPEATED) {
      const large = unit.repeat(Math.ceil(200_000 / unit.length))
      // Eight times as much takes eight times as long, on a busy machine three times that; where the square decides it is 64 times,
      // and none of a few attempts is any better.
      const isSlow = (): boolean => shortest(read, large) > 24 * shortest(read, large.slice(0, 25_000)) + 100
      const attempts = [1, 2, 3, 4]
      expect(attempts.every(isSlow), `${JSON.stringify(unit)}, again and again`).toBe(false)
    }
  })
})
