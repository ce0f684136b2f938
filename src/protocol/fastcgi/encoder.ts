import { encodeLatin1 } from '../latin1.ts'
import { encodePairs } from './params.ts'
import {
  END_REQUEST_BYTES,
  FCGI_HEADER_BYTES,
  FCGI_MAX_CONTENT_BYTES,
  RecordType,
  writeEndRequest,
  writeRecordHeader,
} from './records.ts'

/** Encodes one stream's bytes as records of at most 65,535 bytes. Empty `content` is the end of the stream. */
export function encodeStream(type: number, requestId: number, content: Uint8Array): Uint8Array {
  const records = Math.max(1, Math.ceil(content.length / FCGI_MAX_CONTENT_BYTES))
  const bytes = new Uint8Array(records * FCGI_HEADER_BYTES + content.length)
  let at = 0
  for (let start = 0, record = 0; record < records; record++) {
    const end = Math.min(content.length, start + FCGI_MAX_CONTENT_BYTES)
    at = writeRecordHeader(bytes, at, type, requestId, end - start)
    bytes.set(content.subarray(start, end), at)
    at += end - start
    start = end
  }
  return bytes
}

/** BEGIN_REQUEST (section 5.1). `flags` 1 keeps the connection. */
export function encodeBeginRequest(requestId: number, role: number, flags: number): Uint8Array {
  const bytes = new Uint8Array(FCGI_HEADER_BYTES + 8)
  const at = writeRecordHeader(bytes, 0, RecordType.BEGIN_REQUEST, requestId, 8)
  bytes[at] = role >>> 8
  bytes[at + 1] = role
  bytes[at + 2] = flags
  return bytes
}

/** PARAMS of `[name, value, …]` with the empty record that ends them (section 5.2). */
export function encodeParams(requestId: number, params: readonly string[]): Uint8Array {
  const pairs = encodePairs(params)
  return concat(
    pairs.length > 0 ? encodeStream(RecordType.PARAMS, requestId, pairs) : new Uint8Array(0),
    encodeStream(RecordType.PARAMS, requestId, new Uint8Array(0)),
  )
}

/** STDIN (section 5.3). Empty `data` ends the body. */
export function encodeStdin(requestId: number, data: Uint8Array): Uint8Array {
  return encodeStream(RecordType.STDIN, requestId, data)
}

/** STDOUT (section 5.3). Empty `data` ends the response. */
export function encodeStdout(requestId: number, data: Uint8Array): Uint8Array {
  return encodeStream(RecordType.STDOUT, requestId, data)
}

/** STDERR (section 5.3): a line for the proxy's error log, latin-1, with no end record. */
export function encodeStderr(requestId: number, text: string): Uint8Array {
  const content = new Uint8Array(text.length)
  encodeLatin1(text, content, 0)
  return encodeStream(RecordType.STDERR, requestId, content)
}

/** END_REQUEST (section 5.5). */
export function encodeEndRequest(requestId: number, appStatus: number, protocolStatus: number): Uint8Array {
  const bytes = new Uint8Array(END_REQUEST_BYTES)
  writeEndRequest(bytes, 0, requestId, appStatus, protocolStatus)
  return bytes
}

/** ABORT_REQUEST (section 5.4). */
export function encodeAbortRequest(requestId: number): Uint8Array {
  const bytes = new Uint8Array(FCGI_HEADER_BYTES)
  writeRecordHeader(bytes, 0, RecordType.ABORT_REQUEST, requestId, 0)
  return bytes
}

/** GET_VALUES (section 4.1): asks for the named variables. */
export function encodeGetValues(names: readonly string[]): Uint8Array {
  return encodeStream(RecordType.GET_VALUES, 0, encodePairs(names.flatMap((name) => [name, ''])))
}

/** GET_VALUES_RESULT (section 4.1) of `[name, value, …]`. */
export function encodeGetValuesResult(values: readonly string[]): Uint8Array {
  return encodeStream(RecordType.GET_VALUES_RESULT, 0, encodePairs(values))
}

/** UNKNOWN_TYPE (section 4.2): answers a management record of a type that is not known. */
export function encodeUnknownType(recordType: number): Uint8Array {
  const bytes = new Uint8Array(FCGI_HEADER_BYTES + 8)
  const at = writeRecordHeader(bytes, 0, RecordType.UNKNOWN_TYPE, 0, 8)
  bytes[at] = recordType
  return bytes
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}
