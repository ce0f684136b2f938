import { TsgiError } from '../../interface/errors.ts'
import { absolute } from '../absolute-path.ts'
import type { Site } from '../site.ts'
import { failurePages } from './failures.ts'
import { openFile } from './files.ts'
import { directive, from, literal, own, regexOf, section } from './directive.ts'
import type { Node } from './directive.ts'

/** Where the page is; no client can ask for it. */
const PAGE_URL = '/tsgi-maintenance.html'
const PAGE_PATTERN = '^/tsgi-maintenance\\.html$'

/** What httpd answers when no worker can be reached. */
const UNREACHABLE = [502, 503, 504]

/** Before all other rules of names: while there is maintenance, the page is all that is served. */
export function maintenanceRules({ maintenance }: Site): Node[] {
  if (maintenance === undefined) return []
  return [
    { comment: 'The page of maintenance, and whether that is: while this file exists.' },
    directive('RewriteCond', own('%{ENV:REDIRECT_STATUS}'), own('^50[234]$')),
    directive('RewriteRule', own(PAGE_PATTERN), own('-'), own('[L,E=no-proxy:1]')),
    directive('RewriteRule', own(PAGE_PATTERN), own('-'), own('[R=404,L]')),
    ...(maintenance.probeToken === undefined ? [] : butForProbe(maintenance.probeToken)),
    directive('RewriteCond', literal(absolute(maintenance.flag)), own('-f')),
    directive('RewriteCond', own('%{ENV:REDIRECT_STATUS}'), own('^$')),
    from('maintenance', directive('RewriteRule', own('^'), own('-'), own('[R=503,L]'))),
  ]
}

/** The launcher's own, which alone has the secret of this start. */
function butForProbe(token: string): Node[] {
  return [
    { comment: "The launcher's own probe is let through." },
    directive('RewriteCond', own('%{REQUEST_URI}'), own('!/tsgi-probe$'), own('[OR]')),
    directive('RewriteCond', own('%{HTTP:X-TSGI-Probe}'), own(`!^${regexOf(token)}$`)),
  ]
}

/** What is shown in place of an error. Throws `TSGI_ERR_OPTION`. */
export function errorPages(site: Site): Node[] {
  const { errorDocuments, errorOverride, maintenance } = site
  const named = new Set(errorDocuments.map(({ code }) => code))
  if (maintenance !== undefined && named.has(503)) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--error-document 503 and --maintenance: Apache has one page for 503; leave one of them out, or take --server-type nginx',
    )
  }
  const codes = [...named].toSorted((a, b) => a - b)
  return [
    // Encoded, it can hold nothing that ErrorDocument would replace.
    ...errorDocuments.flatMap(({ code, url }) => [
      from('error-document', directive('ErrorDocument', code, own(encodeURI(url)))),
      // So that a page of the application has the error's status, and not its own.
      ...(errorOverride
        ? []
        : [section('LocationMatch', [[own('^'), literal(url), own('$')]], [directive('ProxyErrorOverride', 'On', code)])]),
    ]),
    ...(errorOverride && codes.length > 0 ? [from('error-override', directive('ProxyErrorOverride', 'On', ...codes))] : []),
    ...maintenancePage(maintenance, named),
    ...failurePages(site, named),
  ]
}

/** The page, where httpd can reach nobody. `named`: statuses that have another one. */
export function maintenancePage(maintenance: Site['maintenance'], named: ReadonlySet<number> = new Set()): Node[] {
  if (maintenance === undefined) return []
  return [
    ...UNREACHABLE.filter((code) => !named.has(code)).map((code) =>
      from('maintenance', directive('ErrorDocument', code, PAGE_URL)),
    ),
    directive('Alias', PAGE_URL, literal(absolute(maintenance.page))),
    openFile(maintenance.page),
    section(
      'LocationMatch',
      [own(PAGE_PATTERN)],
      [
        directive('ForceType', own('text/html; charset=utf-8')),
        directive('Header', 'always', 'set', 'Retry-After', maintenance.retryAfterS),
        directive('Header', 'always', 'set', 'Cache-Control', 'no-store'),
      ],
    ),
  ]
}
