import { APACHE, BINARY } from '../ways.ts'
import { get, request, Theme } from '../case.ts'

const plain = [
  'object',
  'flat-array',
  'flat-array-over-set',
  'pairs',
  'message',
  'message-and-array',
  'empty-message',
  'latin1-message',
  'status-properties',
  'set-then-write',
  'set-twice',
  'append',
  'lists',
  'set-headers',
  'report',
  'report-sent',
  'implicit-write',
  'implicit-end',
  'implicit-empty',
  'no-date',
  'own-date',
  'own-server',
  'flush',
  'flush-with-length',
  'flush-empty',
  'flush-then-set',
  'latin1-with-text',
  'latin1-with-bytes',
  'latin1-without-body',
  'latin1-flushed',
  'latin1-disposition',
  'many-fields',
  'empty-value',
  'spaces',
  'number',
  'odd-name',
  'content-type-empty',
  'content-type-charset',
  'caching',
  'content-encoding',
  'location',
  'location-absolute',
  'unauthorized',
]

const ofConnection = [
  'connection-close',
  'connection-keep-alive',
  'connection-token',
  'should-keep-alive',
  'remove-connection',
  'chunked-by-hand',
  'chunked-in-head',
  'chunked-in-array',
  'remove-transfer-encoding',
  'no-chunked-by-default',
  'trailers',
  'trailers-and-length',
  'status-field',
  'proxy-authenticate',
  'upgrade-required',
  'accel-buffering',
  'accel-expires',
]

const theme = new Theme('heads')
for (const name of [...plain, ...ofConnection]) theme.add(name, get(`/head/${name}`))
for (const name of ['object', 'implicit-write', 'implicit-end', 'flush', 'report', 'flush-with-length']) {
  theme.add(`${name}, HEAD`, request('HEAD', `/head/${name}`))
}
for (const code of [
  200, 201, 202, 203, 205, 206, 226, 299, 300, 305, 400, 402, 418, 422, 451, 499, 500, 503, 511, 599, 600, 999,
]) {
  theme.add(`status ${code}`, get(`/head/code?n=${code}`))
}
for (const bytes of [1000, 8000, 30_000, 100_000]) theme.add(`a field of ${bytes} bytes`, get(`/head/long-field?n=${bytes}`))
// nginx before 1.29 takes an interim response for the final one.
theme.add('interim-callbacks', get('/head/interim-callbacks'), { ways: [...BINARY, 'embedded HTTP', ...APACHE] })

export const headCases = theme.cases
