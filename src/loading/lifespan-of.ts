import type { Lifespan } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { isLifespan } from '../server/lifespan.ts'

/**
 * The lifespan of an application: what its module exports as `lifespan`, else the property of the application itself.
 * `strict`: the application is TSGI's own, where the name can mean nothing else.
 *
 * Throws `TSGI_ERR_LIFESPAN` for something else under that name.
 */
export function lifespanOf(exports: ReadonlyMap<string, unknown>, application: unknown, strict: boolean): Lifespan | undefined {
  const isObject = (typeof application === 'object' && application !== null) || typeof application === 'function'
  const found = exports.get('lifespan') ?? (isObject ? (Reflect.get(application, 'lifespan') as unknown) : undefined)
  if (found === undefined || found === null) return undefined
  if (isLifespan(found)) return found
  if (!strict) return undefined
  throw new TsgiError(
    'TSGI_ERR_LIFESPAN',
    `lifespan is ${quote(found)}, but takes { startup() {}, stopping() {}, shutdown() {} }`,
  )
}
