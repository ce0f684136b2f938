import type { HeaderPair } from '../interface/application.ts'
import { TsgiError } from '../interface/errors.ts'
import type { KeptBody } from './kept-body.ts'

/** Of what a line of a record looks like. */
export const RECORD_VERSION = 1

/** One line of a record: a request and what it was answered. */
export interface RecordedRequest {
  readonly tsgi: typeof RECORD_VERSION
  /** When it ended, ISO 8601. */
  readonly at: string
  /** From its head to the end of the response, milliseconds. */
  readonly ms: number
  /** Where the application was mounted: `''` or `'/x'`. */
  readonly mount: string
  /** CGI variables, latin-1, without those that are secret. */
  readonly params: Readonly<Record<string, string>>
  /** Names of those. */
  readonly left: readonly string[]
  readonly body: KeptBody
  readonly response: {
    /** `200 OK`. */
    readonly status: string
    readonly headers: readonly HeaderPair[]
    readonly body: KeptBody
    /** Of the whole body, before anything was taken out of it, hexadecimal. */
    readonly sha256: string
  }
}

/** Throws `TSGI_ERR_RECORD`; `where`: of the line, for the message. */
export function parseRecordedRequest(line: string, where: string): RecordedRequest {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new TsgiError('TSGI_ERR_RECORD', `${where}: no JSON, or cut off`, { cause: error })
  }
  const version = isObject(value) ? value['tsgi'] : undefined
  if (version !== RECORD_VERSION) {
    const what =
      typeof version === 'number' ? `a record of version ${version}, and this tsgi reads ${RECORD_VERSION}` : 'no record of tsgi'
    throw new TsgiError('TSGI_ERR_RECORD', `${where}: ${what}`)
  }
  if (!isRecordedRequest(value)) throw new TsgiError('TSGI_ERR_RECORD', `${where}: something is missing in it`)
  return value
}

function isRecordedRequest(value: unknown): value is RecordedRequest {
  if (!isObject(value)) return false
  const { at, mount, params, left, body, response } = value
  return (
    typeof at === 'string' &&
    typeof mount === 'string' &&
    isObject(params) &&
    Object.values(params).every((each) => typeof each === 'string') &&
    Array.isArray(left) &&
    isBody(body) &&
    isObject(response) &&
    typeof response['status'] === 'string' &&
    typeof response['sha256'] === 'string' &&
    isBody(response['body']) &&
    Array.isArray(response['headers']) &&
    response['headers'].every(isPair)
  )
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === 'string')
}

function isBody(value: unknown): boolean {
  if (!isObject(value)) return false
  const { bytes, text, base64 } = value
  return typeof bytes === 'number' && [text, base64].every((each) => each === undefined || typeof each === 'string')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
