import type { HeaderPair } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { fieldLine } from '../protocol/response-head.ts'

/** A checked status and its header fields, ready to be sent. */
export interface ResponseHead {
  /** `"200 OK"`. */
  readonly status: string
  readonly statusCode: number
  /** Field lines, latin-1, each with its line end; without those that belong to the server. */
  fields: string
  /** The body's declared length in bytes, -1 when there is none. */
  readonly contentLength: number
}

/** Three digits and a reason phrase of visible characters, spaces, tabs and latin-1 (RFC 9112, section 4). */
const STATUS = /^[2-5][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?$/

/** The status that was checked last. */
let lastStatus = ''

/** A field name is a token (RFC 9110, section 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** A field value holds no control character but the tab (RFC 9110, section 5.5), and nothing that is no latin-1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Checks what an application gave to `startResponse` and writes its field lines.
 *
 * Connection-level fields (RFC 9110, section 7.6.1) are left out: they belong to the proxy's connection with the client.
 * Throws `TSGI_ERR_STATUS_INVALID`, `TSGI_ERR_HEADER_INVALID`.
 */
export function checkResponseHead(status: string, headers: readonly HeaderPair[]): ResponseHead {
  if (status !== lastStatus && (typeof status !== 'string' || !STATUS.test(status)))
    throw new TsgiError('TSGI_ERR_STATUS_INVALID', quote(status))
  if (!Array.isArray(headers)) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${quote(headers)} is not a list of pairs`)
  lastStatus = status
  const statusCode = Number(status.slice(0, 3))
  let fields = ''
  let contentLength = -1
  for (const pair of headers as readonly HeaderPair[]) {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${quote(pair)} is not [name, value]`)
    const [name, value] = pair as HeaderPair
    const field = FIELDS.get(name) ?? learnField(name)
    if (value !== field.lastValue) {
      if (typeof value !== 'string' || !VALUE.test(value)) {
        throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${name}: value ${quote(value)}`)
      }
      field.lastValue = value
    }
    if (field.kind === 'server') continue
    if (field.kind === 'length') {
      if (statusCode === 204) continue
      // A proxy would read a list, a sign or two lengths in its own way.
      if (!/^\d{1,15}$/.test(value) || (contentLength !== -1 && contentLength !== Number(value))) {
        throw new TsgiError('TSGI_ERR_HEADER_INVALID', `${name}: value ${quote(value)}`)
      }
      if (contentLength !== -1) continue
      contentLength = Number(value)
    }
    fields += fieldLine(name, value)
  }
  return { status: status.length === 3 ? `${status} ` : status, statusCode, fields, contentLength }
}

/** What is known of a field name that was found to be a token, and the value that was checked last: most are sent again and again. */
interface Field {
  readonly kind: 'length' | 'server' | 'application'
  lastValue: string
}

/** Applications use a few dozen names; one that makes them up must not make this grow. */
const MAX_FIELDS = 256
const FIELDS = new Map<unknown, Field>()

/** Throws `TSGI_ERR_HEADER_INVALID`. */
function learnField(name: unknown): Field {
  if (typeof name !== 'string' || !TOKEN.test(name)) throw new TsgiError('TSGI_ERR_HEADER_INVALID', `name ${quote(name)}`)
  const field: Field = { kind: fieldKind(name.toLowerCase()), lastValue: '' }
  if (FIELDS.size < MAX_FIELDS) FIELDS.set(name, field)
  return field
}

/**
 * `server`: fields of the connection with the client, which the server or the proxy sends, never the application. `Status`
 * would be read as the status line of CGI.
 */
function fieldKind(name: string): Field['kind'] {
  if (name === 'content-length') return 'length'
  return SERVER_FIELDS.has(name) || name.startsWith('proxy-') ? 'server' : 'application'
}

const SERVER_FIELDS = new Set(['connection', 'keep-alive', 'status', 'te', 'trailer', 'transfer-encoding', 'upgrade'])
