import { block, directive, from, literal, variable } from './directive.ts'
import type { Argument, Node } from './directive.ts'
import { MAINTENANCE_URL } from './maintenance.ts'
import { entry, MODULES, NONE } from './names.ts'
import { OF_ERROR_DOCUMENT } from './params.ts'
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

/** What an application is told that is asked for an error document. nginx's own variables go on naming what the client asked for. */
export function errorDocumentMaps({ errorDocuments }: Site): Node[] {
  if (errorDocuments.length === 0) return []
  const urls = [...new Set(errorDocuments.map(({ url }) => url))]
  const map = (name: string, otherwise: string, value: (url: string) => Argument): Node =>
    from(
      'error-document',
      block(
        'map',
        [variable('uri'), variable(name)],
        [
          // The URL changes within the request.
          directive('volatile'),
          entry('default', variable(otherwise)),
          ...urls.map((url) => entry(literal(url), value(url))),
        ],
      ),
    )
  return [
    map(OF_ERROR_DOCUMENT.uri, 'request_uri', (url) => [literal(encodeURI(url)), variable('is_args'), variable('args')]),
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
