import { quote, TsgiError } from '../../interface/errors.ts'
import { absolute } from '../absolute-path.ts'
import { authDirectives, authLocation } from './authentication.ts'
import type { NginxBuild } from './build.ts'
import { block, directive, from, literal, variable } from './directive.ts'
import type { Argument, Directive, Node } from './directive.ts'
import { errorOverride, errorPages } from './error-pages.ts'
import { locations } from './locations.ts'
import { maintenanceDirectives, maintenanceOfOtherHost } from './maintenance.ts'
import { passTo } from './other-servers.ts'
import { hsts, tlsChecks, tlsListenWords } from './tls.ts'
import { clientVariables } from './trust.ts'
import { transferSettings, wireSettings } from './wires.ts'
import type { ListenAddress, Site } from '../site.ts'

/** What can be nothing but an address in a directive; whether it is one, nginx says. No zone: nginx knows none. */
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const IPV6 = /^(?=.*:.*:)[\da-fA-F:.]{2,45}$/

/** Whoever asks for a name that is not served: RFC 9110, 15.5.20. */
const MISDIRECTED = 421

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** The servers: who is refused, who is led elsewhere, other hosts, and last the applications. */
export function servers(site: Site, build: NginxBuild): Node[] {
  const { hosts, proxyHosts } = site
  const nodes: Node[] = []
  // nginx takes options of a socket from the first server that names it, which also gets what is for no other.
  const add = (comment: string | undefined, names: readonly string[], body: readonly Node[]): void => {
    const first = nodes.length === 0
    if (comment !== undefined) nodes.push({ comment })
    nodes.push(block('server', [], [...listens(site, build, first), ...serverNames(site, names), ...body]), { comment: '' })
  }
  if (hosts !== undefined) {
    add('For other names.', [], [directive('return', MISDIRECTED)])
    if (hosts.redirected !== undefined) add(undefined, [hosts.redirected], redirect(site))
    add(undefined, [...hosts.names, ...(hosts.localhost ? LOOPBACK : [])], serverBody(site))
  } else {
    add(undefined, [site.serverName], serverBody(site))
  }
  for (const { host, backend } of proxyHosts) add(undefined, [host], otherHost(site, backend))
  return nodes.slice(0, -1)
}

function serverBody(site: Site): Node[] {
  const checks = site.tls === undefined ? [] : tlsChecks(site.tls, site.trust !== undefined)
  return [
    ...checks,
    ...(checks.length === 0 ? [] : [{ comment: '' }]),
    ...maintenanceDirectives(site),
    ...errorPages(site),
    ...errorOverride(site),
    ...authDirectives(site),
    ...wireSettings(site),
    ...locations(site),
    ...(site.includeFiles.length === 0 ? [] : [{ comment: '' }, { comment: 'Rules of your own.' }]),
    ...site.includeFiles.map((file) => from('include-file', directive('include', literal(oneFile(absolute(file)))))),
  ]
}

/** nginx takes some characters for a pattern, and includes nothing where no file fits it. */
function oneFile(path: string): string {
  return /[*?[]/.test(path) ? path.replace(/[*?[\]\\]/g, '\\$&') : path
}

/** A host that another server answers: the rules who may come in are ours all the same, and nobody is exempt there. */
function otherHost(site: Site, backend: string): Node[] {
  const client = clientVariables(site.trust)
  // A path that begins as it is asked for is passed on as it was sent.
  const target = /^\w+:\/\/[^/]+\/$/.test(backend) ? backend.slice(0, -1) : backend
  return [
    ...(site.tls === undefined ? [] : tlsChecks(site.tls, site.trust !== undefined)),
    ...maintenanceOfOtherHost(site),
    ...authDirectives(site),
    ...(site.authentication === undefined ? [] : transferSettings(site)),
    block('location', ['/'], passTo(site, client, target, 'proxy-virtual-host')),
    ...authLocation(site, client),
  ]
}

/** The name without `www.`: by the scheme that the client came with. */
function redirect({ hosts, serverName, listen, tls, trust }: Site): Node[] {
  const name = hosts?.names[0] ?? serverName
  const client = clientVariables(trust)
  const to = (scheme: 'http' | 'https', addresses: readonly ListenAddress[]): Directive => {
    const port = addresses[0]?.port
    const usual = port === undefined || port === (scheme === 'http' ? 80 : 443)
    const target: Argument = [literal(`${scheme}://${name}${usual ? '' : `:${port}`}`), variable('request_uri')]
    return from('server-name', directive('return', 301, target))
  }
  const toldScheme = tls?.only === true ? literal('https') : variable(client.scheme)
  return [
    // Lists of names that browsers only ask by HTTPS want it here, too.
    ...(tls?.hstsPolicy === undefined ? [] : [hsts()]),
    // Behind another proxy, clients know that one's port.
    ...(trust === undefined
      ? []
      : [
          block(
            'if',
            [variable('tsgi_trusted')],
            [from('trust-proxy', directive('return', 301, [toldScheme, literal(`://${name}`), variable('request_uri')]))],
          ),
        ]),
    ...(tls === undefined || tls.only ? [] : [block('if', [variable('scheme'), '=', 'https'], [to('https', tls.listen)])]),
    to(tls?.only === true ? 'https' : 'http', tls?.only === true ? tls.listen : listen),
  ]
}

function listens({ listen, tls, backlog }: Site, build: NginxBuild, first: boolean): Node[] {
  const options = first && backlog !== undefined ? [`backlog=${backlog}`] : []
  return [
    ...listen.map((address) => from('port', listenOn(address, 'port', first, options))),
    ...(tls === undefined
      ? []
      : [
          ...tls.listen.map((address) =>
            from('https-port', listenOn(address, 'https-port', first, [...tlsListenWords(tls, build), ...options])),
          ),
        ]),
  ]
}

function listenOn({ host, port }: ListenAddress, option: string, first: boolean, words: readonly string[]): Directive {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TsgiError('TSGI_ERR_OPTION', `--${option}: ${quote(String(port))}`)
  if (IPV4.test(host)) return directive('listen', `${host}:${port}`, ...words)
  // Every address means IPv4's too, as it does to Node.
  if (IPV6.test(host))
    return directive('listen', `[${host}]:${port}`, ...words, ...(host === '::' && first ? ['ipv6only=off'] : []))
  throw new TsgiError('TSGI_ERR_OPTION', `--host: nginx cannot listen on ${quote(host)}`)
}

function serverNames({ hosts }: Site, names: readonly string[]): Node[] {
  if (names.length === 0) return []
  return [
    from(
      hosts === undefined ? 'host' : 'server-name',
      directive('server_name', ...names.map((name, index) => literal(checkName(name, index > 0)))),
    ),
  ]
}

/** nginx gives a meaning to `~`, `$hostname` and a leading dot in a name; none of them is a name that a worker could be told. */
function checkName(name: string, pattern: boolean): string {
  const address = /^\[(.*)\]$/.exec(name)?.[1]
  if (
    address !== undefined
      ? IPV6.test(address)
      : /^[A-Za-z0-9_](?:[\w.-]{0,252})$/.test(pattern ? name.replace(/^\*\./, '') : name)
  )
    return name
  throw new TsgiError('TSGI_ERR_OPTION', `${quote(name)} is no name for a server`)
}
