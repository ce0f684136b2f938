import { get, request, Theme } from '../case.ts'

const names = [
  'encodings',
  'callbacks',
  'end-callback',
  'end-only-callback',
  'cork',
  'corked-for-long',
  'length-right',
  'length-short',
  'length-short-streamed',
  'length-long',
  'length-zero-with-body',
  'strict-length',
  'states',
  'implicit-states',
  'high-water-mark',
  'write-empty',
  'only-write-empty',
  'end-twice',
  'end-after-end',
  'backpressure',
  'pipe-file',
  'pipe-event',
  'pipeline-file',
  'pipeline-generator',
  'pipeline-transform',
  'readable-from',
  'web-stream',
  'pipeline-large',
  'many-small',
  'reject-nonstandard',
]

/** Texts of encodings that not every text is of. */
const TEXTS: Readonly<Record<string, string>> = { hex: '6869', base64: 'aGVsbG8=', base64url: 'aGVsbG8' }

const theme = new Theme('bodies')
for (const name of names) theme.add(name, get(`/body/${name}`))
for (const encoding of ['latin1', 'binary', 'utf8', 'ascii', 'hex', 'base64', 'base64url', 'utf16le', 'ucs2', 'UTF-8']) {
  const query = `?encoding=${encoding}&text=${TEXTS[encoding] ?? 'h%C3%A9%E2%82%AC'}`
  theme.add(`end in ${encoding}`, get(`/body/end-encoding${query}`))
  theme.add(`write in ${encoding}`, get(`/body/write-encoding${query}`))
}
for (const encoding of ['latin1', 'utf8', 'utf16le']) {
  theme.add(`a field value beyond ASCII before a chunk in ${encoding}`, get(`/body/head-with-encoding?encoding=${encoding}`))
}
for (const [size, count] of [
  [1, 1],
  [1, 100],
  [1000, 20],
  [16_383, 2],
  [16_384, 2],
  [16_385, 2],
  [65_535, 3],
  [65_536, 3],
  [1_000_000, 3],
]) {
  theme.add(`${count} chunks of ${size} bytes`, get(`/body/chunks-of?size=${size}&count=${count}`))
}
for (const length of [0, 1, 5000, 5462, 30_000]) theme.add(`text of ${length} characters`, get(`/body/text-of?n=${length}`))
for (const code of [204, 304, 200]) {
  theme.add(`no body, ${code}`, request('HEAD', `/body/none?code=${code}`))
  theme.add(`no body with a length, ${code}`, request('HEAD', `/body/none-with-length?code=${code}`))
}
for (const code of [204, 304]) {
  theme.add(`a body that must not be, ${code}`, get(`/body/none?code=${code}`))
  theme.add(`a body with a length that must not be, ${code}`, get(`/body/none-with-length?code=${code}`))
}
for (const name of ['pipe-file', 'length-right', 'pipeline-generator', 'write-empty', 'states']) {
  theme.add(`${name}, HEAD`, request('HEAD', `/body/${name}`))
}

export const bodyCases = theme.cases
