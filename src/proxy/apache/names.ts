import type { ListenAddress, Site, Tls } from '../site.ts'
import { checkServerName } from '../listen-address.ts'
import { directive, from, own, regexOf } from './directive.ts'
import { isTrusted } from './trusted.ts'
import type { Directive, Node } from './directive.ts'

/** Whoever asks for a name that is not served: RFC 9110, 15.5.20. */
const MISDIRECTED = 421

const LOOPBACK = ['localhost', '127\\.0\\.0\\.1', '\\[::1\\]']

/**
 * The path as the client wrote it, without an absolute target's authority. Not its query: httpd adds that by itself, and refuses a
 * question mark that is put in.
 */
export const RAW_TARGET = '\\S+ (?:\\w+://[^/?\\s]*)?(/[^?\\s]*)'

/** httpd's ServerName knows no address of IPv6; workers that can be told otherwise are told the address. */
export function serverNameWord(name: string): string {
  return checkServerName(name).startsWith('[') ? 'localhost' : name
}

/** Which names are answered, and which are led elsewhere. `scheme`: of the ports that this is for. */
export function nameRules({ hosts, trust }: Site, scheme: 'http' | 'https', addresses: readonly ListenAddress[]): Node[] {
  if (hosts === undefined) return []
  const [canonical = ''] = hosts.names
  const served = [...hosts.names.map(patternOf), ...(hosts.localhost ? LOOPBACK : [])]
  const redirected = hosts.redirected === undefined ? [] : [patternOf(hosts.redirected)]
  const port = portSuffix(scheme, addresses)
  const refuse = directive('RewriteRule', own('^'), own('-'), own(`[R=${MISDIRECTED},L]`))
  return [
    { comment: 'Names that are served.' },
    directive(
      'RewriteCond',
      own('%{HTTP_HOST}'),
      own(`!^(?:${[...served, ...redirected].join('|')})\\.?(?::\\d+)?$`),
      own('[NC]'),
    ),
    from('server-name', refuse),
    ...redirected.flatMap((name) => {
      const to = (suffix: string): Node[] => [
        directive('RewriteCond', own('%{HTTP_HOST} %{THE_REQUEST}'), own(`^${name}\\.?(?::\\d+)? ${RAW_TARGET}`), own('[NC]')),
        from('server-name', redirect(`${scheme}://${checkServerName(canonical)}${suffix}%1`, 301)),
      ]
      // Behind another proxy, clients know that one's port.
      return trust === undefined || port === ''
        ? to(port)
        : [directive('RewriteCond', 'expr', own(isTrusted(trust))), ...to(''), ...to(port)]
    }),
  ]
}

/** Plain HTTP leads to HTTPS, unless a trusted proxy in front says that the client came by that. */
export function httpsOnlyRules({ tls, trust }: Site): Node[] {
  if (tls?.only !== true) return []
  return [
    // With 301, clients make a GET of a form.
    ...toHttps(tls, trust, 308, [directive('RewriteCond', own('%{REQUEST_METHOD}'), own('!^(?:GET|HEAD)$'))]),
    ...toHttps(tls, trust, 301, []),
  ]
}

function toHttps({ listen }: Tls, trust: Site['trust'], status: number, conditions: readonly Directive[]): Node[] {
  return [
    ...conditions,
    ...(trust === undefined ? [] : [directive('RewriteCond', own('%{ENV:HTTPS}'), own('!=on'))]),
    directive('RewriteCond', own('%{HTTP_HOST} %{THE_REQUEST}'), own(`^([^:\\s]+|\\[[^\\]\\s]*\\])(?::\\d+)? ${RAW_TARGET}`)),
    from('https-only', redirect(`https://%1${portSuffix('https', listen)}%2`, status)),
  ]
}

/** A redirect to a target that is encoded already. */
export function redirect(target: string, status: number): Directive {
  return directive('RewriteRule', own('^'), own(target), own(`[R=${status},NE,L]`))
}

function portSuffix(scheme: 'http' | 'https', [first]: readonly ListenAddress[]): string {
  return first === undefined || first.port === (scheme === 'http' ? 80 : 443) ? '' : `:${first.port}`
}

/** `*.example.com` is everything below it. */
function patternOf(name: string): string {
  return name.startsWith('*.') ? `[^:/]+\\.${regexOf(name.slice(2))}` : regexOf(name)
}
