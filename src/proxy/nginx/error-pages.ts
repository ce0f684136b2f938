import { directive, from, literal } from './directive.ts'
import type { Node } from './directive.ts'
import { MAINTENANCE_URL } from './maintenance.ts'
import { MODULES } from './names.ts'
import type { Site } from '../site.ts'

/** What nginx answers when no worker can be reached. */
const UNREACHABLE = [502, 504]

/**
 * What is shown in place of an error. Goes where an `error_page` goes: a location with one of its own has none of the server's.
 */
export function errorPages({ errorDocuments, maintenance }: Site): Node[] {
  const named = new Set(errorDocuments.map(({ code }) => code))
  const closed = UNREACHABLE.filter((code) => !named.has(code))
  return [
    ...errorDocuments.map(({ code, url }) => from('error-document', directive('error_page', code, literal(encodeURI(url))))),
    ...(maintenance === undefined
      ? []
      : [
          ...(closed.length === 0 ? [] : [from('maintenance', directive('error_page', ...closed, '=503', MAINTENANCE_URL))]),
          ...(named.has(503) ? [] : [from('maintenance', directive('error_page', 503, MAINTENANCE_URL))]),
        ]),
  ]
}

/** The application's own errors have these pages, too. */
export function errorOverride({ errorOverride: override, wire }: Site): Node[] {
  if (!override) return []
  const modules = new Set([MODULES[wire], ...(wire === 'fastcgi' ? (['uwsgi'] as const) : [])])
  return [...modules].map((module) => from('error-override', directive(`${module}_intercept_errors`, 'on')))
}
