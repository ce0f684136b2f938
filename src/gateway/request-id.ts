import type { HeaderPair } from '../interface/application.ts'
import { quote } from '../interface/errors.ts'
import { findParam } from './params.ts'

const ID_PREFIX = `${process.pid.toString(36)}-${Date.now().toString(36)}-`
let lastId = 0

/** Unique on this host: process, its start, a counter. */
export function nextRequestId(): string {
  return ID_PREFIX + ++lastId
}

/** Proxies' ids and our own. A value of another shape would be no header field. */
const PLAIN_ID = /^[\w.:@+/=-]{1,128}$/

/** The field that tells a client the id of a request that failed, so that it can say which one it was. */
export function requestIdField(id: string): HeaderPair[] {
  return PLAIN_ID.test(id) ? [['X-Request-ID', id]] : []
}

/** A request for a log line: method, target and id, bounded and escaped. */
export function requestLabel(params: readonly string[], id: string): string {
  const method = quote(findParam(params, 'REQUEST_METHOD') ?? '-').slice(1, -1)
  const target = quote(findParam(params, 'REQUEST_URI') ?? '-').slice(1, -1)
  return `${method} ${target} [${id}]`
}
