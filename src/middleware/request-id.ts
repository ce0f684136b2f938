import { randomUUID } from 'node:crypto'
import type { Middleware } from '../interface/application.ts'
import { setField, withFields } from './response-fields.ts'
import { keepingLifespan } from './keep-lifespan.ts'

export interface RequestIdOptions {
  /** The field that carries the id to the client. `X-Request-ID` when left out. */
  readonly header?: string
  /** Believe the id that the request brings in this field: only behind a proxy that sets or removes it. */
  readonly trust?: boolean
  /** Makes an id, in place of the one that the server has given the request. */
  readonly generate?: () => string
}

/** Ids that are believed: they end up in logs and in a header field. */
const ID = /^[\w.:+/=-]{1,128}$/

/**
 * Tells the client the id that stands in every log line of its request (`tsgi.request_id`), and takes over one that a proxy
 * has given. An id of another shape than letters, digits and `.:+/=-`, at most 128 of them, is not believed.
 */
export function requestId({ header = 'X-Request-ID', trust = false, generate }: RequestIdOptions = {}): Middleware {
  const variable = `HTTP_${header.toUpperCase().replaceAll('-', '_')}`
  return keepingLifespan((application) => (environ, startResponse) => {
    const brought = trust ? environ[variable] : undefined
    if (typeof brought === 'string' && ID.test(brought)) environ['tsgi.request_id'] = brought
    else if (generate !== undefined) environ['tsgi.request_id'] = generate()
    const id = environ['tsgi.request_id'] || (environ['tsgi.request_id'] = randomUUID())
    return application(
      environ,
      withFields(startResponse, (fields) => setField(fields, header, id)),
    )
  })
}
