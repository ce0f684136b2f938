import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileAccessFormat } from '../../src/logging/access-format.ts'
import { entry } from './entries.ts'
import type { EntryValues } from './entries.ts'

function written(format: string, values: EntryValues = {}, elapsedMs = 0): string {
  return compileAccessFormat(format)(entry(values), elapsedMs)
}

const TIME = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`

describe('a format of atoms', () => {
  it.each<[atom: string, expected: string]>([
    ['h', '192.0.2.7'],
    ['l', '-'],
    ['r', 'GET\\x20/a/b?x=1\\x20HTTP/1.1'],
    ['m', 'GET'],
    ['U', '/a/b'],
    ['q', 'x=1'],
    ['H', 'HTTP/1.1'],
    ['s', '200'],
    ['b', '12'],
    ['B', '12'],
    ['f', 'http://example.org/'],
    ['a', 'tester/1'],
    ['T', '2'],
    ['M', '2345'],
    ['D', '2345678'],
    ['L', '2.345678'],
    ['p', `<${process.pid}>`],
    ['{Accept}i', 'text/html'],
    ['{ETag}o', 'W/1'],
    ['{SCRIPT_NAME}e', '/app'],
    ['{absent}i', '-'],
  ])('writes %s', (atom, expected) => {
    const values = {
      request: { referer: 'http://example.org/', 'user-agent': 'tester/1', accept: 'text/html' },
      response: { etag: 'W/1' },
      variables: { SCRIPT_NAME: '/app' },
    }
    expect(written(`%(${atom})s`, values, 2345.678)).toBe(expected)
  })

  it('writes the time, and `-` for no bytes', () => {
    expect(written('%(t)s %(b)s %(B)s', { bodyBytes: 0 })).toMatch(new RegExp(`^${TIME} - 0$`))
  })

  it("names the user of the client's credentials, else the proxy's, and no password", () => {
    const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`
    expect(written('%(u)s', { request: { authorization } })).toBe('ann')
    expect(written('%(u)s', { variables: { REMOTE_USER: 'bob' } })).toBe('bob')
    expect(written('%(u)s', { request: { authorization: 'Bearer xyz' } })).toBe('-')
    expect(written('%(u)s', { request: { authorization: 'Basic %%%' } })).toBe('-')
  })

  it('has names', () => {
    const values = { request: { referer: 'http://example.org/', 'user-agent': 'tester/1' } }
    const common = `192\\.0\\.2\\.7 - - ${TIME} "GET /a/b\\?x=1 HTTP/1\\.1" 200 12`
    expect(written('common', values)).toMatch(new RegExp(`^${common}$`))
    expect(written('combined', values)).toMatch(new RegExp(`^${common} "http://example\\.org/" "tester/1"$`))
  })

  it('keeps what is no atom', () => {
    expect(written('100%% "%(m)s"\t[%(s)s]')).toBe('100% "GET"\t[200]')
  })

  it.each([
    '',
    'plain text',
    '%(x)s',
    '%(h)',
    '%h',
    '%({a b}i)s',
    '%({a}x)s',
    '100% %(h)s',
    'ü %(h)s',
    '%(h)s\n',
    'x'.repeat(5000),
  ])('refuses %j', (format) => {
    expect(() => compileAccessFormat(format)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
  })
})

describe('a JSON line', () => {
  it('has its members, null where there is nothing', () => {
    const { time, ...members } = JSON.parse(written('json', {}, 1.5)) as Record<string, unknown>
    expect(Math.abs(Date.parse(String(time)) - Date.now())).toBeLessThan(5000)
    expect(members).toEqual({
      remote_addr: '192.0.2.7',
      user: null,
      method: 'GET',
      path: '/a/b',
      query: 'x=1',
      protocol: 'HTTP/1.1',
      host: null,
      status: 200,
      bytes: 12,
      duration_s: 0.0015,
      referer: null,
      user_agent: null,
      request_id: null,
      pid: process.pid,
    })
  })

  it('gives every byte back, in ASCII alone', () => {
    const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), minLength: 1 })
    fc.assert(
      fc.property(latin1, (value) => {
        const line = written('json', { request: { 'user-agent': value } })
        expect(line).toMatch(/^[\x20-\x7e]+$/)
        expect((JSON.parse(line) as { user_agent: unknown }).user_agent).toBe(value)
      }),
    )
  })
})

describe('a value of a client', () => {
  // What ends a field or a line is far more frequent than by chance.
  const character = fc.oneof(
    fc.integer({ min: 0, max: 0x2fff }).map((code) => String.fromCharCode(code)),
    fc.constantFrom(...' |;\t]^,"\\\r\n'),
  )
  const anything = fc.string({ unit: character })

  it('cannot end its quotes, its line, or look like another line', () => {
    fc.assert(
      fc.property(anything, anything, anything, (target, referer, agent) => {
        const line = written('combined', { target, request: { referer, 'user-agent': agent } })
        expect(line).toMatch(/^[\x20-\x7e]+$/)
        expect(line).toMatch(new RegExp(`^192\\.0\\.2\\.7 - - ${TIME} "[^"]*" 200 12 "[^"]*" "[^"]*"$`))
      }),
    )
  })

  it.each([' ', '|', ';', '\t', ']', '^', ','])('cannot end a field that %j ends', (separator) => {
    const format = `%(h)s${separator}%({a}i)s${separator}%(u)s${separator}%(s)s`
    fc.assert(
      fc.property(anything, anything, (a, user) => {
        const authorization = `Basic ${Buffer.from(`${user}:x`).toString('base64')}`
        const fields = written(format, { request: { a, authorization } }).split(separator)
        expect(fields).toHaveLength(4)
        expect(fields[3]).toBe('200')
      }),
    )
  })

  it('is bounded', () => {
    const line = written('combined', { request: { 'user-agent': 'x'.repeat(100_000) } })
    expect(line.length).toBeLessThan(9000)
    expect(line).toMatch(/x\.\.\."$/)
  })

  it('shows what it was', () => {
    expect(written('"%(a)s"', { request: { 'user-agent': 'a"b\\c\r\nd\x1b[31mé' } })).toBe(
      String.raw`"a\x22b\x5Cc\x0D\x0Ad\x1B[31m\xE9"`,
    )
  })
})
