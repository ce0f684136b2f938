import { block, directive, from, literal, variable } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { hsts } from './tls.ts'
import type { Site } from '../site.ts'

/** Where the page is; no client can ask for it. */
export const MAINTENANCE_URL = '/tsgi-maintenance.html'

/** The lines of a server that has such a page: whether it is all that is served. */
export function maintenanceDirectives({ maintenance }: Site): Node[] {
  if (maintenance === undefined) return []
  return [
    { comment: 'Maintenance: while this file exists.' },
    directive('set', variable('tsgi_closed'), literal('')),
    from('maintenance', block('if', ['-f', literal(maintenance.flag)], [directive('set', variable('tsgi_closed'), 1)])),
    // The page itself comes this way again.
    block('if', [variable('uri'), '=', MAINTENANCE_URL], [directive('set', variable('tsgi_closed'), literal(''))]),
    block('if', [variable('tsgi_closed')], [directive('return', 503)]),
    { comment: '' },
  ]
}

/** The page. nginx asks for it when it has to answer that no worker can be reached; an application's own errors are its own. */
export function maintenanceLocation({ maintenance, tls, authentication }: Site): Directive[] {
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
