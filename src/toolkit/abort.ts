import { quote, TsgiError } from '../interface/errors.ts'
import { HTTPException } from './http-exception.ts'
import type { HTTPExceptionOptions } from './http-exception.ts'
import {
  InternalServerError,
  MethodNotAllowed,
  RequestedRangeNotSatisfiable,
  ServiceUnavailable,
  TooManyRequests,
  Unauthorized,
} from './exceptions.ts'
import * as plain from './plain-exceptions.ts'
import { Response } from './response.ts'

/** Makes the exception of a status. */
export type ExceptionFactory = (description?: string, options?: HTTPExceptionOptions) => HTTPException

/** The exceptions by their status. */
export const DEFAULT_EXCEPTIONS: ReadonlyMap<number, ExceptionFactory> = new Map<number, ExceptionFactory>([
  ...Object.values(plain).map((Exception): [number, ExceptionFactory] => [
    new Exception().status,
    (description, options) => new Exception(description, options),
  ]),
  [401, (description, options) => new Unauthorized(description, options)],
  [405, (description, options) => new MethodNotAllowed([], description, options)],
  [416, (description, options) => new RequestedRangeNotSatisfiable(undefined, description, options)],
  [429, (description, options) => new TooManyRequests(description, options)],
  [500, (description, options) => new InternalServerError(description, options)],
  [503, (description, options) => new ServiceUnavailable(description, options)],
])

/** Throws the exception of a status; `extra` are those of statuses of your own, or in the place of ours. */
export class Aborter {
  readonly #exceptions: ReadonlyMap<number, ExceptionFactory>

  constructor(extra: Iterable<readonly [status: number, factory: ExceptionFactory]> = []) {
    this.#exceptions = new Map([...DEFAULT_EXCEPTIONS, ...extra])
  }

  /** Throws. A response is thrown as what the client is to get. Throws `TSGI_ERR_STATUS_INVALID` for a status that is no error. */
  abort(status: number | Response, description?: string, options?: HTTPExceptionOptions): never {
    if (status instanceof Response) throw new HTTPException(status.statusCode, description, { ...options, response: status })
    if (!Number.isInteger(status) || status < 400 || status > 599)
      throw new TsgiError('TSGI_ERR_STATUS_INVALID', `abort(${quote(status)})`)
    throw this.#exceptions.get(status)?.(description, options) ?? new HTTPException(status, description, options)
  }
}

const aborter = new Aborter()

/** `abort(404)` throws NotFound: what `Request.application` answers with. */
export function abort(status: number | Response, description?: string, options?: HTTPExceptionOptions): never {
  return aborter.abort(status, description, options)
}
