import { concat, latin1Text } from '../../wire/bytes.ts'
import type { SentRequest } from './request.ts'

interface Stream {
  readonly pieces: Uint8Array[]
  ended: boolean
}

interface Begun {
  readonly role: number
  readonly params: Stream
  readonly stdin: Stream
}

/**
 * Every request that may be taken from the bytes of a FastCGI connection, in the order of their params: FastCGI 1.0. Which of them
 * are served is the server's to say, as it may have answered one when the next begins, or not.
 */
export function fastcgiSent(input: Uint8Array): (SentRequest & { readonly role: number })[] {
  const bytes = Buffer.from(input)
  const ready: Begun[] = []
  const current = new Map<number, Begun>()
  for (let at = 0; at + 8 <= bytes.length;) {
    const type = bytes.readUInt8(at + 1)
    const id = bytes.readUInt16BE(at + 2)
    const length = bytes.readUInt16BE(at + 4)
    if (bytes.readUInt8(at) !== 1) break
    const content = bytes.subarray(at + 8, at + 8 + length)
    const request = current.get(id)
    const isWhole = content.length === length
    if (type === 1 && isWhole && length === 8) {
      const next: Begun = { role: content.readUInt16BE(0), params: stream(), stdin: stream() }
      current.set(id, next)
    } else if (type === 4 && request !== undefined && !request.params.ended) {
      request.params.pieces.push(content)
      request.params.ended = length === 0
      if (length === 0) ready.push(request)
    } else if (type === 5 && request?.params.ended === true && !request.stdin.ended) {
      // A record that is cut gives what there is of it.
      request.stdin.pieces.push(content)
      request.stdin.ended = length === 0
    }
    at += 8 + length + bytes.readUInt8(at + 6)
  }
  return ready.flatMap(({ role, params: { pieces }, stdin }) => {
    const params = pairsOf(concat(pieces))
    return params === undefined ? [] : [{ role, params, body: concat(stdin.pieces), complete: stdin.ended }]
  })
}

function stream(): Stream {
  return { pieces: [], ended: false }
}

function pairsOf(block: Uint8Array): string[] | undefined {
  const bytes = Buffer.from(block)
  const pairs: string[] = []
  let at = 0
  const length = (): number => {
    if (at >= bytes.length) return NaN
    const first = bytes.readUInt8(at)
    if (first < 128) {
      at += 1
      return first
    }
    if (at + 4 > bytes.length) return NaN
    at += 4
    return bytes.readUInt32BE(at - 4) - 0x80000000
  }
  while (at < bytes.length) {
    const nameLength = length()
    const valueLength = length()
    if (!(at + nameLength + valueLength <= bytes.length)) return undefined
    pairs.push(
      latin1Text(bytes.subarray(at, at + nameLength)),
      latin1Text(bytes.subarray(at + nameLength, at + nameLength + valueLength)),
    )
    at += nameLength + valueLength
  }
  return pairs
}
