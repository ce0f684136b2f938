import { absolute } from '../absolute-path.ts'
import { checkServerName } from '../listen-address.ts'
import type { Site } from '../site.ts'
import type { ApacheBuild } from './build.ts'
import { aliases, aliasRules, documentRootRules } from './files.ts'
import { directive, from, literal, own, section } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { errorPages, maintenancePage, maintenanceRules } from './maintenance.ts'
import { httpsOnlyRules, nameRules } from './names.ts'
import { otherHost, otherServerRules, otherServers } from './other-servers.ts'
import { fastcgiVariables, requestVariables } from './params.ts'
import { ambiguityRules, clientChecks, hsts, tlsDirectives } from './tls.ts'
import { below, byMountPoint, httpRules, workers } from './workers.ts'

/** What answers on each port: the applications, which also get what is for no other name, and other hosts. */
export function virtualHosts(site: Site, build: ApacheBuild): Node[] {
  const ports = (addresses: readonly { port: number }[]): number[] => [...new Set(addresses.map(({ port }) => port))]
  return [
    ...ports(site.listen).flatMap((port) => hostsOn(port, site, build, false)),
    ...ports(site.tls?.listen ?? []).flatMap((port) => hostsOn(port, site, build, true)),
  ].slice(0, -1)
}

function hostsOn(port: number, site: Site, build: ApacheBuild, secure: boolean): Node[] {
  const on = (body: readonly Node[]): Node[] => [section('VirtualHost', [own(`*:${port}`)], body), { comment: '' }]
  const encoded = [
    { comment: 'URLs reach the workers as they came, a %2F in them included. Servers do not inherit that.' },
    directive('AllowEncodedSlashes', 'On'),
  ]
  const tls = secure && site.tls !== undefined ? tlsDirectives(site.tls) : []
  return [
    ...on([...encoded, ...tls, ...application(site, build, secure)]),
    ...site.proxyHosts.flatMap(({ host, backend }) =>
      on([
        from('proxy-virtual-host', directive('ServerName', checkServerName(host))),
        ...encoded,
        ...tls,
        ...(secure && site.maintenance === undefined ? [] : [directive('RewriteEngine', 'On')]),
        ...maintenanceRules(site),
        ...(secure ? [] : httpsOnlyRules(site)),
        ...clientChecks(site, secure),
        ...hsts(site, secure),
        ...maintenancePage(site.maintenance),
        ...otherHost(site, backend),
      ]),
    ),
  ]
}

function application(site: Site, build: ApacheBuild, secure: boolean): Node[] {
  return [
    ...(site.files.documentRoot === undefined
      ? []
      : [from('document-root', directive('DocumentRoot', literal(absolute(site.files.documentRoot))))]),
    directive('RewriteEngine', 'On'),
    ...bodyLimit(site),
    ...maintenanceRules(site),
    ...nameRules(site, secure ? 'https' : 'http', secure ? (site.tls?.listen ?? []) : site.listen),
    ...(secure ? [] : httpsOnlyRules(site)),
    ...ambiguityRules(site, secure),
    ...aliasRules(site),
    ...otherServerRules(site),
    ...documentRootRules(site),
    ...beside(site),
    ...httpRules(site),
    { comment: '' },
    ...clientChecks(site, secure),
    ...hsts(site, secure),
    ...errorPages(site),
    ...(site.wire === 'http' ? idOfFailures(site) : variables(site, build)),
    ...aliases(site),
    ...otherServers(site),
    ...workers(site),
    ...includes(site),
  ]
}

/** Workers are told no variables over HTTP; the log is. */
function idOfFailures({ logs }: Site): Node[] {
  return logs.failures === undefined ? [] : requestVariables()
}

/** httpd's own LimitRequestBody is not for what is passed on. A body without a length is the workers' to refuse. */
function bodyLimit({ limits }: Site): Node[] {
  if (limits.requestBodyBytes === 0) return []
  return [
    // The page for this error is asked for with the same header.
    directive('RewriteCond', own('%{ENV:REDIRECT_STATUS}'), own('^$')),
    directive('RewriteCond', 'expr', own(`req_novary('Content-Length') -gt ${limits.requestBodyBytes}`)),
    from('limit-request-body', directive('RewriteRule', own('^'), own('-'), own('[R=413,L]'))),
  ]
}

/** Nothing beside the mount points is served. */
function beside(site: Site): Node[] {
  const mounts = byMountPoint(site).map(({ mountPoint }) => mountPoint)
  if (mounts.includes('')) return []
  return [
    { comment: 'Nothing else is served.' },
    ...mounts.map((mountPoint) => directive('RewriteCond', own('%{REQUEST_URI}'), [own('!'), ...below(mountPoint)])),
    directive('RewriteRule', own('^'), own('-'), own('[R=404,L]')),
  ]
}

function variables(site: Site, build: ApacheBuild): Node[] {
  return [
    { comment: 'What a worker is told about a request.' },
    ...requestVariables(),
    ...(site.wire === 'fastcgi' || site.wire === 'scgi'
      ? [
          { comment: "A response's length reaches the client: the workers see to it that it is right." },
          directive('SetEnvIfExpr', 'true', 'ap_trust_cgilike_cl=1'),
        ]
      : []),
    ...(site.wire === 'fastcgi' ? fastcgiVariables(site, build) : []),
    ...(site.wire === 'scgi'
      ? [
          { comment: 'A response of 200 may name another location without being led there.' },
          directive('ProxySCGIInternalRedirect', 'Off'),
        ]
      : []),
    { comment: '' },
  ]
}

function includes({ includeFiles }: Site): Node[] {
  if (includeFiles.length === 0) return []
  return [
    { comment: '' },
    { comment: 'Rules of your own.' },
    ...includeFiles.map((file): Directive => from('include-file', directive('Include', literal(absolute(file))))),
  ]
}
