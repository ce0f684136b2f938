import type { Middleware } from '../interface/application.ts'

/** One middleware out of several. The first is the outermost: it sees requests first and responses last. */
export function compose(...middleware: readonly Middleware[]): Middleware {
  return (application) => middleware.reduceRight((inner, outer) => outer(inner), application)
}
