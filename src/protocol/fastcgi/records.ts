/** FastCGI 1.0: constants and the record header (FastCGI specification, sections 3.3 and 8). */

export const FCGI_VERSION = 1

/** Bytes of a record header: version, type, requestId (2), contentLength (2), paddingLength, reserved. Big-endian. */
export const FCGI_HEADER_BYTES = 8

/** Most content one record can carry, bytes. */
export const FCGI_MAX_CONTENT_BYTES = 65_535

export const RecordType = {
  BEGIN_REQUEST: 1,
  ABORT_REQUEST: 2,
  END_REQUEST: 3,
  PARAMS: 4,
  STDIN: 5,
  STDOUT: 6,
  STDERR: 7,
  DATA: 8,
  GET_VALUES: 9,
  GET_VALUES_RESULT: 10,
  UNKNOWN_TYPE: 11,
} as const

export const Role = { RESPONDER: 1, AUTHORIZER: 2, FILTER: 3 } as const

/** BEGIN_REQUEST flag: the connection stays open after END_REQUEST. */
export const KEEP_CONNECTION = 1

export const ProtocolStatus = { REQUEST_COMPLETE: 0, CANT_MPX_CONN: 1, OVERLOADED: 2, UNKNOWN_ROLE: 3 } as const

/** Writes a record header of `FCGI_HEADER_BYTES` without padding into `target` and returns the offset behind it. */
export function writeRecordHeader(
  target: Uint8Array,
  offset: number,
  type: number,
  requestId: number,
  contentLength: number,
): number {
  target[offset] = FCGI_VERSION
  target[offset + 1] = type
  target[offset + 2] = requestId >>> 8
  target[offset + 3] = requestId
  target[offset + 4] = contentLength >>> 8
  target[offset + 5] = contentLength
  target[offset + 6] = 0
  target[offset + 7] = 0
  return offset + FCGI_HEADER_BYTES
}

/** Bytes of a whole END_REQUEST record. */
export const END_REQUEST_BYTES = 16

/** Writes an END_REQUEST record (section 5.5) into `target` and returns the offset behind it. */
export function writeEndRequest(
  target: Uint8Array,
  offset: number,
  requestId: number,
  appStatus: number,
  protocolStatus: number,
): number {
  const at = writeRecordHeader(target, offset, RecordType.END_REQUEST, requestId, 8)
  target[at] = appStatus >>> 24
  target[at + 1] = appStatus >>> 16
  target[at + 2] = appStatus >>> 8
  target[at + 3] = appStatus
  target[at + 4] = protocolStatus
  target[at + 5] = 0
  target[at + 6] = 0
  target[at + 7] = 0
  return at + 8
}
