import { TsgiError } from '../../interface/errors.ts'
import { absolute } from '../absolute-path.ts'
import { applicationFor, authLocation, exemption, hasExemptions, isBelow, isExempt } from './authentication.ts'
import { block, directive, from, literal } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { failurePageLocations } from './failures.ts'
import { maintenanceLocation } from './maintenance.ts'
import { otherLocations } from './other-servers.ts'
import { secondTryLocation } from './second-try.ts'
import { aliasLocations, documentRootDirectives } from './static-files.ts'
import { clientVariables } from './trust.ts'
import { passToWorkers, upgradeLocation } from './wires.ts'
import type { Site } from '../site.ts'

/** Where a request goes for which no file is there. */
const APPLICATION = '@tsgi_application'

/** Every URL has one place: a file, another server, an application, or none. The longest that fits holds. */
export function locations(site: Site): Node[] {
  checkUrls(site)
  const client = clientVariables(site.trust)
  const inside = (url: string): Node[] => exemption(site.authentication, url)
  return [
    ...site.applications.flatMap(({ mountPoint }, index) => applicationLocations(site, mountPoint, index)),
    ...(site.applications.some(({ mountPoint }) => mountPoint === '') ? [] : nothingElse(site)),
    ...exemptLocations(site),
    ...fallback(site),
    ...site.applications.flatMap((_, index) => [
      ...upgradeLocation(site, index, false),
      ...(hasExemptions(site, index) ? upgradeLocation(site, index, true) : []),
      ...secondTryLocation(site, index),
    ]),
    ...aliasLocations(site.files, inside),
    ...otherLocations(site, client, inside),
    ...authLocation(site, client),
    ...maintenanceLocation(site),
    ...failurePageLocations(site),
  ]
}

/** The mount point and nothing beside it. */
function applicationLocations(site: Site, mountPoint: string, index: number): Directive[] {
  const url = mountPoint === '' ? '/' : mountPoint
  const { authentication } = site
  const open = isExempt(authentication, url)
  const own = exemption(authentication, url)
  if (mountPoint === '') return [block('location', ['/'], [...own, ...rootNodes(site, index, open)])]
  const { option } = site.applications[index] ?? site.applications[0]
  return mounted(mountPoint, [...own, ...passToWorkers(site, index, open)]).map((location) => from(option, location))
}

/** A location "/app" would take "/apple" too. */
function mounted(url: string, nodes: readonly Node[]): Directive[] {
  return [block('location', ['=', literal(absolute(url))], nodes), block('location', [literal(`${absolute(url)}/`)], nodes)]
}

/** The application at the root comes behind the files of the document root. */
function rootNodes(site: Site, index: number, open: boolean): Node[] {
  return site.files.documentRoot === undefined
    ? passToWorkers(site, index, open)
    : documentRootDirectives(site.files, fallbackName(open))
}

/** What comes for no application and is no file. */
function nothingElse({ files }: Site): Node[] {
  if (files.documentRoot !== undefined) return [block('location', ['/'], documentRootDirectives(files, '=404'))]
  return [{ comment: 'Nothing else is served.' }, block('location', ['/'], [directive('return', 404)])]
}

/** nginx has decided already whether the request may pass: not twice. */
function fallback(site: Site): Directive[] {
  const index = site.applications.findIndex(({ mountPoint }) => mountPoint === '')
  if (site.files.documentRoot === undefined || index < 0) return []
  const off = site.authentication === undefined ? [] : [directive('auth_request', 'off')]
  const named = (open: boolean): Directive =>
    block('location', [fallbackName(open)], [...off, ...passToWorkers(site, index, open)])
  return [named(false), ...(hasExemptions(site, index) ? [named(true)] : [])]
}

function fallbackName(open: boolean): string {
  return open ? `${APPLICATION}_open` : APPLICATION
}

/** Below an application, but nobody is asked. */
function exemptLocations(site: Site): Directive[] {
  const { authentication, applications, files, proxyMounts } = site
  if (authentication === undefined) return []
  const others = [...files.aliases, ...proxyMounts].map(({ url }) => url)
  const mounts = new Set(applications.map(({ mountPoint }) => mountPoint))
  const own = authentication.exempt
    .map((url) => url.replace(/\/$/, ''))
    .filter((url) => !mounts.has(url) && !others.some((other) => isBelow(url, other)))
  return [...new Set(own)].flatMap((url) => {
    const index = applicationFor(site, url)
    const off = directive('auth_request', 'off')
    const served = applications[index]?.mountPoint === '' ? rootNodes(site, index, true) : passToWorkers(site, index, true)
    return mounted(url, [off, ...served]).map((location) => from('auth-exempt', location))
  })
}

function checkUrls({ authentication, files, proxyMounts, errorDocuments }: Site): void {
  if (authentication === undefined) return
  for (const url of authentication.exempt) {
    const above = [...files.aliases, ...proxyMounts].find((other) => isBelow(url, other.url) && !isBelow(other.url, url))
    if (above === undefined) continue
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--auth-exempt ${url} is only a part of ${above.url}, which is served from elsewhere; exempt the whole of that`,
    )
  }
  const asked = errorDocuments.find(({ url }) => !isExempt(authentication, url))
  if (asked === undefined) return
  throw new TsgiError(
    'TSGI_ERR_OPTION',
    `--error-document ${asked.code} ${asked.url}: the page would be asked about itself; add --auth-exempt ${asked.url}`,
  )
}
