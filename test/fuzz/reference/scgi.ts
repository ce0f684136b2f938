import { latin1Text } from '../../wire/bytes.ts'
import { lengthOf, valueOf } from './request.ts'
import type { SentRequest } from './request.ts'

/** The request of an SCGI connection, undefined where its bytes are none: "SCGI: A Simple Common Gateway Interface alternative". */
export function scgiSent(input: Uint8Array, maxBytes = 256 * 1024): SentRequest | undefined {
  const text = latin1Text(input)
  const digits = /^([1-9][0-9]{0,9}):/.exec(text)?.[1]
  if (digits === undefined) return undefined
  const start = digits.length + 1
  const end = start + Number(digits)
  if (Number(digits) > maxBytes || text[end] !== ',') return undefined
  const headers = text.slice(start, end)
  if (!headers.endsWith('\0')) return undefined
  const params = headers.slice(0, -1).split('\0')
  const names = params.filter((_, index) => index % 2 === 0)
  if (params.length % 2 === 1 || names.includes('') || names[0] !== 'CONTENT_LENGTH') return undefined
  const length = params[1] === '' ? undefined : lengthOf(params[1])
  if (length === undefined || valueOf(params, 'SCGI') !== '1') return undefined
  const body = input.subarray(end + 1, end + 1 + length)
  return { params, body, complete: body.length === length }
}
