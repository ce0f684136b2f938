import { describe, expect, it } from 'vitest'
import { bytesOf, keptBody } from '../../src/recording/kept-body.ts'
import { Redactor } from '../../src/recording/redactor.ts'

const redactor = new Redactor(['X-Shop-Customer', 'birthday'])

describe('what is not written down', () => {
  it('is found by its name, however its words are separated', () => {
    for (const name of [
      ...['Authorization', 'PROXY_AUTHORIZATION', 'Cookie', 'Set-Cookie', 'X-API-Key', 'x_auth_token', 'password', 'newPasswd'],
      ...['passwordConfirmation', 'access_token', 'client-secret', 'csrfmiddlewaretoken', 'PHPSESSIONID', 'key', 'pin', 'jwt'],
      ...['X-Shop-Customer', 'x_shop_customer', 'BIRTHDAY', 'creditCard[number]', 'x'.repeat(300)],
    ]) {
      expect(redactor.isSecret(name), name).toBe(true)
    }
    for (const name of [
      'Accept',
      'Host',
      'WWW-Authenticate',
      'monkey',
      'spinner',
      'author',
      'compass',
      'q',
      'page',
      'If-None-Match',
    ])
      expect(redactor.isSecret(name), name).toBe(false)
  })

  it('are values of queries, in the target and in every field that has one', () => {
    expect(redactor.url('/x?a=1&token=abc&b=%20&passw%6frd=x;pin=3#top')).toBe(
      '/x?a=1&token=REDACTED&b=%20&passw%6frd=REDACTED;pin=REDACTED#top',
    )
    expect(redactor.url('/token=1/plain')).toBe('/token=1/plain')
    const params = ['REQUEST_URI', '/?sid=9', 'QUERY_STRING', 'sid=9', 'HTTP_COOKIE', 'a=b', 'HTTP_REFERER', 'http://x/?otp=9']
    expect(redactor.params(params)).toEqual({
      kept: { REQUEST_URI: '/?sid=REDACTED', QUERY_STRING: 'sid=REDACTED', HTTP_REFERER: 'http://x/?otp=REDACTED' },
      left: ['HTTP_COOKIE'],
    })
    expect(
      redactor.headers([
        ['Set-Cookie', 'id=1'],
        ['Location', '/in?code=1&access_token=2'],
        ['ETag', '"1"'],
      ]),
    ).toEqual([
      ['Set-Cookie', 'REDACTED'],
      ['Location', '/in?code=1&access_token=REDACTED'],
      ['ETag', '"1"'],
    ])
  })
})

function kept(text: string | Uint8Array, type?: string, coding?: string) {
  const bytes = Buffer.from(text as string)
  return keptBody({ chunks: [bytes], bytes: bytes.length, complete: true }, type, coding, redactor)
}

describe('a body that is kept', () => {
  it('is without the secrets of forms, JSON and multipart', () => {
    expect(kept('user=ada&password=lovelace', 'application/x-www-form-urlencoded; charset=utf-8')).toEqual({
      bytes: 26,
      text: 'user=ada&password=REDACTED',
      redacted: true,
    })
    const json = '{"user":{"name":"ada","pin":1815,"birthday":null},"tokens":["a","b"],"n":[{"secret":{"deep":1}}]}'
    expect(kept(json, 'application/problem+json').text).toBe(
      '{"user":{"name":"ada","pin":"REDACTED","birthday":null},"tokens":"REDACTED","n":[{"secret":"REDACTED"}]}',
    )
    const part = (name: string, value: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const form = kept(
      `${part('user', 'ada')}${part('password', 'lovelace\r\n\r\nx')}--b--\r\n`,
      'multipart/form-data; boundary="b"',
    )
    expect(form.text).toBe(`${part('user', 'ada')}${part('password', 'REDACTED')}--b--\r\n`)
  })

  it('is the same, byte for byte, where nothing is secret in it', () => {
    const json = '{ "big": 12345678901234567890, "a": 1.0 }'
    expect(kept(json, 'application/json')).toEqual({ bytes: json.length, text: json })
    const binary = Buffer.from([0xff, 0x00, 0xfe])
    expect(kept(binary, 'image/png')).toEqual({ bytes: 3, base64: '/wD+' })
    expect(bytesOf(kept(binary, 'image/png'))).toEqual(binary)
    expect(bytesOf(kept('\ufeffmark', 'text/plain'))).toEqual(Buffer.from('\ufeffmark'))
  })

  it('is left out where nobody could look for secrets in it', () => {
    expect(kept('{"password":"x"', 'application/json')).toEqual({ bytes: 15, left: 'unreadable' })
    expect(kept('--b', 'multipart/form-data')).toEqual({ bytes: 3, left: 'unreadable' })
    expect(kept('x', 'text/plain', 'gzip')).toEqual({ bytes: 1, left: 'encoded' })
    expect(keptBody({ chunks: [], bytes: 9, complete: true }, 'text/plain', undefined, redactor)).toEqual({
      bytes: 9,
      left: 'size',
    })
    expect(keptBody({ chunks: [], bytes: 9, complete: false }, 'text/plain', undefined, redactor)).toEqual({
      bytes: 9,
      left: 'unfinished',
    })
  })
})
