import { block, directive, from, literal, variable } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { seesUnasked } from './maintenance.ts'
import { entry, MODULES, NONE, upstreamOf } from './names.ts'
import { requestHeaders, requestParams } from './params.ts'
import type { ClientVariables } from './trust.ts'
import type { Authentication, Site } from '../site.ts'

/** The location of the question; no client can ask for it. */
const QUESTION = '/tsgi-auth-request'

/** The cookies of an answer, apart: a session's and one against forged forms. Each is a variable, of which nginx holds few hundred. */
const COOKIES = ['tsgi_auth_cookie_1', 'tsgi_auth_cookie_2'] as const

/** One Set-Cookie line: up to a comma with another name and `=` behind it. A date has a comma, too. */
const COOKIE_LINE = "(?:(?!, [\\w!#$%&'*+.^`|~-]+=).)++"

/** For the `http` block. From 1.23 on nginx joins all Set-Cookie lines of the answer to one, before it gives the first alone. */
export function authMaps({ authentication }: Site): Node[] {
  if (authentication === undefined) return []
  return [
    { comment: 'The cookies that come with the answer who may come in.' },
    ...COOKIES.map((name, index) =>
      block(
        'map',
        [variable('tsgi_auth_cookies'), variable(name)],
        [entry('default', NONE), entry(literal(`~^(?:${COOKIE_LINE}, ){${index}}(${COOKIE_LINE})`), variable('1'))],
      ),
    ),
    { comment: '' },
  ]
}

/** The lines of a server whose requests the application is asked about. */
export function authDirectives(site: Site): Node[] {
  const { authentication } = site
  if (authentication === undefined) return []
  return [
    { comment: 'The application is asked about every request, and says who it is from.' },
    from('auth-url', directive('auth_request', QUESTION)),
    directive('auth_request_set', variable('tsgi_user'), variable('upstream_http_x_remote_user')),
    ...(seesUnasked(site)
      ? [
          { comment: 'A time, or "-" where nobody has answered.' },
          directive('auth_request_set', variable('tsgi_asked'), variable('upstream_header_time')),
        ]
      : []),
    { comment: 'A session that the application has renewed.' },
    directive('auth_request_set', variable('tsgi_auth_cookies'), variable('upstream_http_set_cookie')),
    ...COOKIES.map((name) => directive('add_header', 'Set-Cookie', variable(name), 'always')),
    { comment: '' },
  ]
}

/** The question itself: a GET without a body, to the application that the URL belongs to. */
export function authLocation(site: Site, client: ClientVariables): Directive[] {
  const { authentication, wire } = site
  if (authentication === undefined) return []
  const module = MODULES[wire]
  const index = applicationFor(site, authentication.url)
  const url = encodeURI(authentication.url)
  return [
    from(
      'auth-url',
      block(
        'location',
        ['=', QUESTION],
        [
          directive('internal'),
          directive('auth_request', 'off'),
          directive(`${module}_pass_request_body`, 'off'),
          // Its answer is for nginx, whatever the status.
          directive(`${module}_intercept_errors`, 'off'),
          ...(wire === 'http' ? requestHeaders(site, client, true) : requestParams(wire, site, client, url)),
          wire === 'http'
            ? directive('proxy_pass', [literal(`http://${upstreamOf(index)}${url}`)])
            : directive(`${wire}_pass`, upstreamOf(index)),
        ],
      ),
    ),
  ]
}

/** Within a location: nobody is asked, where its URL is among those that are exempt. */
export function exemption(authentication: Authentication | undefined, url: string): Node[] {
  return isExempt(authentication, url) ? [directive('auth_request', 'off')] : []
}

export function isExempt(authentication: Authentication | undefined, url: string): boolean {
  return authentication !== undefined && authentication.exempt.some((each) => isBelow(url, each))
}

/** Whether `url` is `parent` or below it. */
export function isBelow(url: string, parent: string): boolean {
  const [path, above] = [withSlash(url), withSlash(parent)]
  return path.startsWith(above)
}

/** Whether some of what this application answers is exempt, but not all. */
export function hasExemptions(site: Site, index: number): boolean {
  return (site.authentication?.exempt ?? []).some((url) => applicationFor(site, url) === index)
}

/** The place of the application with the longest mount point that `url` is below. */
export function applicationFor({ applications }: Site, url: string): number {
  let found = 0
  let longest = -1
  for (const [index, { mountPoint }] of applications.entries()) {
    if (mountPoint.length <= longest || !isBelow(url, mountPoint)) continue
    found = index
    longest = mountPoint.length
  }
  return found
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}
