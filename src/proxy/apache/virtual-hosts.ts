import type { Site } from '../site.ts'
import type { ApacheBuild } from './build.ts'
import { directive, own, section } from './directive.ts'
import type { Node } from './directive.ts'
import { fastcgiVariables, requestVariables } from './params.ts'
import { below, byMountPoint, httpRules, workers } from './workers.ts'

/** What answers on each port. */
export function virtualHosts(site: Site, build: ApacheBuild): Node[] {
  const ports = [...new Set(site.listen.map(({ port }) => port))]
  return ports.map((port) => section('VirtualHost', [own(`*:${port}`)], application(site, build)))
}

function application(site: Site, build: ApacheBuild): Node[] {
  return [
    directive('RewriteEngine', 'On'),
    ...beside(site),
    ...httpRules(site),
    { comment: '' },
    ...(site.wire === 'http' ? [] : variables(site, build)),
    ...workers(site),
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
    ...(site.wire === 'fastcgi'
      ? [
          { comment: "A response's length reaches the client: the workers see to it that it is right." },
          directive('SetEnvIfExpr', 'true', 'ap_trust_cgilike_cl=1'),
          ...fastcgiVariables(site, build),
        ]
      : []),
    { comment: '' },
  ]
}
