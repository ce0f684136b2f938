import { block, directive, from, literal, variable } from './directive.ts'
import type { Argument, Node } from './directive.ts'
import { failurePages } from './failures.ts'
import { CLOSED_STATUS, MAINTENANCE_URL, seesUnasked, UNASKED, UNREACHABLE } from './maintenance.ts'
import { entry, MODULES, NONE } from './names.ts'
import { OF_ERROR_DOCUMENT } from './params.ts'
import type { Site } from '../site.ts'

/**
 * What is shown in place of an error. Goes where an `error_page` goes: a location with one of its own has none of the server's.
 */
export function errorPages(site: Site): Node[] {
  const { errorDocuments, maintenance } = site
  const named = new Set(errorDocuments.map(({ code }) => code))
  const closed = UNREACHABLE.filter((code) => !named.has(code))
  return [
    ...errorDocuments.map(({ code, url }) => from('error-document', directive('error_page', code, literal(url)))),
    ...(maintenance === undefined
      ? []
      : [from('maintenance', directive('error_page', CLOSED_STATUS, ...closed, '=503', MAINTENANCE_URL))]),
    ...(seesUnasked(site) ? [directive('error_page', 500, '=503', UNASKED)] : []),
    ...failurePages(site),
  ]
}

/**
 * What an application is told that is asked for an error document: nginx's own variables go on naming what the client asked for.
 * The status decides, not the URL: whoever asks for that page himself, as for a form to log in, may send a body.
 */
export function errorDocumentMaps({ errorDocuments, wire }: Site): Node[] {
  if (errorDocuments.length === 0 || wire === 'http') return []
  const map = (name: string, otherwise: string, value: (url: string) => Argument): Node =>
    from(
      'error-document',
      block(
        'map',
        [variable('status'), variable(name)],
        [
          // There is none before the error.
          directive('volatile'),
          entry('default', variable(otherwise)),
          ...errorDocuments.map(({ code, url }) => entry(String(code), value(url))),
        ],
      ),
    )
  return [
    map(OF_ERROR_DOCUMENT.uri, 'request_uri', (url) => literal(encodeURI(url))),
    // nginx may have thrown the body away unread.
    map(OF_ERROR_DOCUMENT.length, 'content_length', () => NONE),
    { comment: '' },
  ]
}

/** The application's own errors have these pages, too. */
export function errorOverride({ errorOverride: override, wire }: Site): Node[] {
  if (!override) return []
  const modules = new Set([MODULES[wire], ...(wire === 'fastcgi' ? (['uwsgi'] as const) : [])])
  return [...modules].map((module) => from('error-override', directive(`${module}_intercept_errors`, 'on')))
}
