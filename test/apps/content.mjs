/** What the applications answer with, so that each of them shows its framework and nothing else. */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/** 24 KB that compress well. */
export const LONG_TEXT = 'All work and no play makes a dull text.\n'.repeat(615)

export const LONG_VALUE = 'v'.repeat(4096)
export const LATIN_VALUE = 'caf\u00e9'
export const ETAG = '"the-same"'
export const SESSION_SECRET = 'a secret of thirty-two characters or more'

/** Ten chunks in about 50 ms. */
export async function* chunks() {
  for (let index = 0; index < 10; index++) {
    yield `chunk ${index}\n`
    await delay(5)
  }
}

/** Three server-sent events. */
export async function* events() {
  for (let index = 0; index < 3; index++) {
    yield `id: ${index}\nevent: tick\ndata: {"index":${index}}\n\n`
    await delay(5)
  }
}

/** A chunk, and then a failure. */
export async function* fails() {
  yield 'the beginning\n'
  await delay(20)
  throw new Error('failed on purpose, late')
}

const BLOCK = Buffer.from('0123456789abcdefghijklmnopqrstu\n'.repeat(2048))

/** This many bytes, 64 KB at a time. */
export function* big(bytes) {
  for (let left = bytes; left > 0; left -= BLOCK.length) yield left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK
}

/** What is said about an uploaded file. */
export function describeFile(field, name, type, bytes) {
  return { field, name, type, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

export { delay }
