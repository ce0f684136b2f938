import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePath, splitTarget, stripAuthority } from '../../src/gateway/request-target.ts'

describe('splitTarget', () => {
  it.each([
    ['/a', '/a', ''],
    ['/a?', '/a', ''],
    ['/a?b', '/a', 'b'],
    ['/a?b?c', '/a', 'b?c'],
    ['/a%3Fb', '/a%3Fb', ''],
    ['/a#b?c', '/a', ''],
    ['/a?b#c', '/a', 'b'],
    ['?b', '', 'b'],
    ['', '', ''],
    ['*', '*', ''],
  ])('%s', (target, path, query) => {
    expect(splitTarget(target)).toEqual({ path, query })
  })
})

describe('stripAuthority', () => {
  it.each([
    ['/a', '/a'],
    ['//host/a', '//host/a'],
    ['http://host/a?b', '/a?b'],
    ['HTTPS://user@host:1/a', '/a'],
    ['http://host', '/'],
    ['http://host?x', '/?x'],
    ['http://[::1]:80//a', '//a'],
    ['*', '*'],
    ['host:443', 'host:443'],
  ])('%s', (target, stripped) => {
    expect(stripAuthority(target)).toBe(stripped)
  })
})

describe('decodePath', () => {
  it.each([
    ['/a%2Fb', '/a/b'],
    ['/%2e%2E/', '/../'],
    ['/caf%C3%A9', '/café'],
    // Raw bytes are UTF-8 too: latin-1 text in, characters out.
    ['/caf\xc3\xa9', '/café'],
    ['/caf%C3\xa9', '/café'],
    // No UTF-8.
    ['/%FF', '/\ufffd'],
    ['/%C3', '/\ufffd'],
    // No escape.
    ['/100%', '/100%'],
    ['/%2', '/%2'],
    ['/%zz', '/%zz'],
    ['/%%41', '/%A'],
    // Once.
    ['/%2541', '/%41'],
    ['/%00', '/\0'],
    ['', ''],
  ])('%s', (path, decoded) => {
    expect(decodePath(path)).toBe(decoded)
  })

  it('undoes any percent-encoding of UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodePath(encodeURIComponent(text))).toBe(text)
      }),
      { seed: 1 },
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }), (text) => {
        expect(typeof decodePath(text)).toBe('string')
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})
