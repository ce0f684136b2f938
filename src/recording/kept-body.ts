import type { Redactor } from './redactor.ts'

/** A body in a record. */
export interface KeptBody {
  /** How long it was. */
  readonly bytes: number
  /** Where it can be read as UTF-8. */
  readonly text?: string
  readonly base64?: string
  /** Why nothing of it is here. */
  readonly left?: 'size' | 'unfinished' | 'encoded' | 'unreadable'
  /** Something was taken out of it. */
  readonly redacted?: true
}

export interface BodySeen {
  /** All of it, or its beginning where it was too long. */
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
  readonly complete: boolean
}

/** A body as it may be written down. `type` and `coding`: its Content-Type and Content-Encoding. */
export function keptBody(
  { chunks, bytes, complete }: BodySeen,
  type: string | undefined,
  coding: string | undefined,
  redactor: Redactor,
): KeptBody {
  if (!complete) return { bytes, left: 'unfinished' }
  if (bytes === 0) return { bytes }
  const all = Buffer.concat(chunks)
  if (all.length !== bytes) return { bytes, left: 'size' }
  // Nobody has looked for secrets in it.
  if (coding !== undefined && coding !== '' && coding.toLowerCase() !== 'identity') return { bytes, left: 'encoded' }
  try {
    const redacted = redactedBody(all, type ?? '', redactor)
    return { bytes, ...written(redacted ?? all), ...(redacted === undefined ? {} : { redacted: true }) }
  } catch {
    // It is not what it says that it is: who knows what is in it.
    return { bytes, left: 'unreadable' }
  }
}

/** The bytes that a record has; undefined: it has none. */
export function bytesOf({ bytes, text, base64 }: KeptBody): Buffer | undefined {
  if (text !== undefined) return Buffer.from(text)
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return bytes === 0 ? Buffer.alloc(0) : undefined
}

/** Undefined where there is nothing to take out. Throws where it cannot be read. */
function redactedBody(body: Buffer, type: string, redactor: Redactor): Buffer | undefined {
  const [essence = '', ...parameters] = type.split(';').map((part) => part.trim())
  const kind = essence.toLowerCase()
  const changed = (before: string, after: string, encoding: BufferEncoding): Buffer | undefined =>
    before === after ? undefined : Buffer.from(after, encoding)
  if (kind === 'application/x-www-form-urlencoded') {
    const text = body.toString('latin1')
    return changed(text, redactor.query(text), 'latin1')
  }
  if (kind === 'application/json' || kind.endsWith('+json')) {
    const text = utf8(body)
    return changed(text, redactor.json(text), 'utf8')
  }
  if (kind === 'multipart/form-data') {
    const boundary = parameters.map((each) => /^boundary="?([^"]{1,70})"?$/i.exec(each)?.[1]).find((each) => each !== undefined)
    if (boundary === undefined) throw new TypeError('no boundary')
    const text = body.toString('latin1')
    return changed(text, redactor.multipart(text, boundary), 'latin1')
  }
  return undefined
}

function written(body: Buffer): Pick<KeptBody, 'text' | 'base64'> {
  try {
    return { text: utf8(body) }
  } catch {
    return { base64: body.toString('base64') }
  }
}

/** Throws where it is none. A mark at the beginning is a part of it. */
function utf8(body: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
}
