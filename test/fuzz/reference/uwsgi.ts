import { latin1Text } from '../../wire/bytes.ts'
import { lengthOf } from './request.ts'
import type { SentRequest } from './request.ts'

/** The request of a uwsgi connection, undefined where its bytes are none: protocols of the uWSGI project, "The uwsgi protocol". */
export function uwsgiSent(input: Uint8Array): SentRequest | undefined {
  const bytes = Buffer.from(input)
  if (bytes.length < 4 || ![0, 5, 7].includes(bytes.readUInt8(0))) return undefined
  const size = bytes.readUInt16LE(1)
  if (size === 0 || bytes.length < 4 + size) return undefined
  const block = bytes.subarray(4, 4 + size)
  const params: string[] = []
  let at = 0
  while (at < size) {
    if (at + 2 > size) return undefined
    const end = at + 2 + block.readUInt16LE(at)
    if (end > size) return undefined
    // A key, which is never empty, or a value.
    if (params.length % 2 === 0 && end === at + 2) return undefined
    params.push(latin1Text(block.subarray(at + 2, end)))
    at = end
  }
  if (params.length % 2 === 1) return undefined
  const lengths = params.filter((_, index) => index % 2 === 1 && params[index - 1] === 'CONTENT_LENGTH')
  const length = lengthOf(lengths[0])
  if (length === undefined || lengths.length > 1) return undefined
  const body = bytes.subarray(4 + size, 4 + size + length)
  return { params, body, complete: body.length === length }
}
