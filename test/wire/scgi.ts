import { concat, latin1 } from './bytes.ts'

/** `name NUL value NUL`, for each name and each value. */
export function scgiHeaders(headers: readonly string[]): Uint8Array {
  return latin1(headers.map((text) => `${text}\0`).join(''))
}

/** `size:block,`. `size` may lie, for malformed requests. */
export function netstring(block: Uint8Array, size: number | string = block.length): Uint8Array {
  return concat([latin1(`${size}:`), block, latin1(',')])
}

/** The head of a request: its first CONTENT_LENGTH in front, 0 where it is absent or empty, then SCGI, then the others in their order. */
export function scgiHead(params: readonly string[]): Uint8Array {
  let contentLength: string | undefined
  const others: string[] = []
  for (let index = 0; index < params.length; index += 2) {
    const [name = '', value = ''] = [params[index], params[index + 1]]
    if (name === 'CONTENT_LENGTH' && contentLength === undefined) contentLength = value
    else others.push(name, value)
  }
  contentLength ||= '0'
  return netstring(scgiHeaders(['CONTENT_LENGTH', contentLength, 'SCGI', '1', ...others]))
}

/** A whole request: the head, then the raw body. */
export function scgiRequest(params: readonly string[], body: Uint8Array = new Uint8Array(0)): Uint8Array {
  return concat([scgiHead(params), body])
}
