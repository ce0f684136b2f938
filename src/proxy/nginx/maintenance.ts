import { block, directive, from, literal, variable } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { entry, NONE } from './names.ts'
import { escapeRegex } from './regex.ts'
import { hsts } from './tls.ts'
import type { Site } from '../site.ts'

/** Where the page is; no client can ask for it. */
export const MAINTENANCE_URL = '/tsgi-maintenance.html'

/** What nginx answers when nobody can be reached. */
export const UNREACHABLE = [502, 504] as const

/** Within nginx, the status of a request that finds the site closed; clients get 503. An application's own 503 is another matter. */
export const CLOSED_STATUS = 591

/** Where a request goes that the application could not be asked about. */
export const UNASKED = '@tsgi_unasked'

/** For the `http` block: the launcher's own probe goes through, which alone has the secret of this start. */
export function maintenanceMaps({ maintenance }: Site): Node[] {
  if (maintenance === undefined) return []
  return [
    { comment: 'Maintenance: what is served all the same.' },
    block(
      'map',
      [[variable('uri'), literal(':'), variable('http_x_tsgi_probe')], variable('tsgi_open')],
      [
        // The page is another path in the same request.
        directive('volatile'),
        entry('default', NONE),
        entry(literal(`~^${escapeRegex(MAINTENANCE_URL)}:`), '1'),
        ...(maintenance.probeToken === undefined
          ? []
          : [entry(literal(`~/tsgi-probe:${escapeRegex(maintenance.probeToken)}$`), '1')]),
      ],
    ),
    { comment: '' },
  ]
}

/** The lines of a server that has such a page: whether it is all that is served. */
export function maintenanceDirectives({ maintenance }: Site): Node[] {
  if (maintenance === undefined) return []
  return [
    { comment: 'Maintenance: while this file exists.' },
    directive('set', variable('tsgi_closed'), literal('')),
    from('maintenance', block('if', ['-f', literal(maintenance.flag)], [directive('set', variable('tsgi_closed'), 1)])),
    block('if', [variable('tsgi_open')], [directive('set', variable('tsgi_closed'), literal(''))]),
    block('if', [variable('tsgi_closed')], [directive('return', CLOSED_STATUS)]),
    { comment: '' },
  ]
}

/**
 * nginx answers 500 where it cannot ask the application who may come in, whatever the reason. Whoever shows the application's own
 * 500 as an error document has that instead.
 */
export function seesUnasked({ maintenance, authentication, errorDocuments, errorOverride }: Site): boolean {
  const taken = errorOverride || errorDocuments.some(({ code }) => code === 500)
  return maintenance !== undefined && authentication !== undefined && !taken
}

/** The page. nginx asks for it when it has to answer that no worker can be reached; an application's own errors are its own. */
export function maintenanceLocation(site: Site): Directive[] {
  return [...(seesUnasked(site) ? [unaskedLocation()] : []), ...pageLocation(site)]
}

/** For a host that another server answers: closed by the same file, and the same page where that server cannot be reached. */
export function maintenanceOfOtherHost(site: Site): Node[] {
  if (site.maintenance === undefined) return []
  return [
    ...maintenanceDirectives(site),
    from('maintenance', directive('error_page', CLOSED_STATUS, ...UNREACHABLE, '=503', MAINTENANCE_URL)),
    ...pageLocation(site),
  ]
}

function pageLocation({ maintenance, tls, authentication }: Site): Directive[] {
  if (maintenance === undefined) return []
  return [
    from(
      'maintenance',
      block(
        'location',
        ['=', MAINTENANCE_URL],
        [
          directive('internal'),
          ...(authentication === undefined ? [] : [directive('auth_request', 'off')]),
          directive('default_type', 'text/html'),
          block('types', [], []),
          directive('add_header', 'Retry-After', maintenance.retryAfterS, 'always'),
          directive('add_header', 'Cache-Control', 'no-store', 'always'),
          ...(tls?.hstsPolicy === undefined ? [] : [hsts()]),
          directive('alias', literal(maintenance.page)),
        ],
      ),
    ),
  ]
}

/** The page where nobody has answered the question, else the 500 that it was. */
function unaskedLocation(): Directive {
  return block(
    'location',
    [UNASKED],
    [
      directive('auth_request', 'off'),
      block('if', [variable('tsgi_asked'), '=', literal('-')], [directive('rewrite', '^', MAINTENANCE_URL, 'last')]),
      directive('return', 500),
    ],
  )
}
