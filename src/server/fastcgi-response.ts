import type { Socket } from 'node:net'
import type { Chunk } from '../interface/application.ts'
import {
  END_REQUEST_BYTES,
  FCGI_HEADER_BYTES,
  FCGI_MAX_CONTENT_BYTES,
  RecordType,
  writeEndRequest,
  writeRecordHeader,
} from '../protocol/fastcgi/index.ts'

/**
 * Up to here a body is copied behind its record header, to leave in one buffer; above, copying costs more than a second
 * buffer in the same system call.
 */
const COPY_LIMIT_BYTES = 16 * 1024

/** Writes a response that is all there: head, body, end of STDOUT and END_REQUEST, in one write. */
export function wholeResponse(socket: Socket, requestId: number, head: string, body: Chunk | null): void {
  if (body === null || typeof body === 'string') {
    const text = body ?? ''
    const contentBytes = head.length + text.length
    // ASCII is the same in UTF-8 and latin-1. A string needs no buffer of ours: the stream encodes it on the way to the kernel.
    if (contentBytes <= TEXT_LIMIT_BYTES && Buffer.byteLength(text) === text.length) {
      socket.write(recordHeaderText(requestId, contentBytes) + head + text + endOfResponseText(requestId), 'latin1')
      return
    }
  }
  const bodyBytes = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const contentBytes = head.length + bodyBytes
  if (bodyBytes > COPY_LIMIT_BYTES || contentBytes > FCGI_MAX_CONTENT_BYTES) {
    socket.cork()
    stdoutRecords(socket, requestId, head, body)
    socket.write(endOfResponse(requestId))
    socket.uncork()
    return
  }
  const buffer = Buffer.allocUnsafe(2 * FCGI_HEADER_BYTES + contentBytes + END_REQUEST_BYTES)
  let at = writeRecordHeader(buffer, 0, RecordType.STDOUT, requestId, contentBytes)
  at += buffer.write(head, at, 'latin1')
  if (typeof body === 'string') at += buffer.write(body, at, 'utf8')
  else if (body !== null) {
    buffer.set(body, at)
    at += bodyBytes
  }
  at = writeRecordHeader(buffer, at, RecordType.STDOUT, requestId, 0)
  writeEndRequest(buffer, at, requestId, 0, 0)
  socket.write(buffer)
}

/** Node encodes strings up to 16 KiB on the stack; longer ones are no cheaper than a buffer. */
const TEXT_LIMIT_BYTES = 15 * 1024

/** STDOUT headers of request 1 that were made before, by their content length: small responses repeat theirs. */
const FIRST_HEADERS: (string | undefined)[] = Array.from<string | undefined>({ length: 1024 }).fill(undefined)

/** A STDOUT header as latin-1 text. */
function recordHeaderText(requestId: number, contentLength: number): string {
  const known = requestId === 1 ? FIRST_HEADERS[contentLength] : undefined
  if (known !== undefined) return known
  const header = Buffer.alloc(FCGI_HEADER_BYTES)
  writeRecordHeader(header, 0, RecordType.STDOUT, requestId, contentLength)
  const text = header.toString('latin1')
  if (requestId === 1 && contentLength < FIRST_HEADERS.length) FIRST_HEADERS[contentLength] = text
  return text
}

/** The end of STDOUT and END_REQUEST as latin-1 text. nginx and Apache call every request 1. */
function endOfResponseText(requestId: number): string {
  return requestId === 1 ? END_OF_FIRST : endOfResponse(requestId).toString('latin1')
}

/** Writes head and body as STDOUT records. False: the proxy does not take it as fast as it comes. */
export function stdoutRecords(socket: Socket, requestId: number, head: string, body: Chunk | null): boolean {
  const bytes = body === null ? EMPTY : typeof body === 'string' ? Buffer.from(body) : body
  if (head.length + bytes.length <= COPY_LIMIT_BYTES) {
    const buffer = Buffer.allocUnsafe(FCGI_HEADER_BYTES + head.length + bytes.length)
    let at = writeRecordHeader(buffer, 0, RecordType.STDOUT, requestId, head.length + bytes.length)
    at += buffer.write(head, at, 'latin1')
    buffer.set(bytes, at)
    return socket.write(buffer)
  }
  socket.cork()
  if (head !== '') writeRecords(socket, requestId, Buffer.from(head, 'latin1'))
  const room = writeRecords(socket, requestId, bytes)
  socket.uncork()
  return room
}

/** The end of STDOUT and END_REQUEST. */
export function endOfResponse(requestId: number): Buffer {
  const buffer = Buffer.allocUnsafe(FCGI_HEADER_BYTES + END_REQUEST_BYTES)
  const at = writeRecordHeader(buffer, 0, RecordType.STDOUT, requestId, 0)
  writeEndRequest(buffer, at, requestId, 0, 0)
  return buffer
}

const EMPTY = new Uint8Array(0)

/** Headers and views on the content, not copied. */
function writeRecords(socket: Socket, requestId: number, content: Uint8Array): boolean {
  let room = true
  for (let start = 0; start < content.length; start += FCGI_MAX_CONTENT_BYTES) {
    const end = Math.min(content.length, start + FCGI_MAX_CONTENT_BYTES)
    const header = Buffer.allocUnsafe(FCGI_HEADER_BYTES)
    writeRecordHeader(header, 0, RecordType.STDOUT, requestId, end - start)
    socket.write(header)
    room = socket.write(start === 0 && end === content.length ? content : content.subarray(start, end))
  }
  return room
}

const END_OF_FIRST = endOfResponse(1).toString('latin1')
