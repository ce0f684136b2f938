import { directive, own } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { serverNameWord } from './names.ts'
import { checkNetwork, isTrusted } from './trusted.ts'
import type { ApacheBuild } from './build.ts'
import type { Site, TrustedProxies } from '../site.ts'

/** What httpd adds to CGI's variables and no application needs: its own environment, paths and pages. */
const UNTOLD = [
  'PATH',
  'DOCUMENT_ROOT',
  'CONTEXT_PREFIX',
  'CONTEXT_DOCUMENT_ROOT',
  'SERVER_ADMIN',
  'SERVER_SIGNATURE',
  'SCRIPT_FILENAME',
  'SCRIPT_URI',
  'SCRIPT_URL',
  'UNIQUE_ID',
] as const

/** A value of an expression, for header fields. */
const value = (expression: string): string => `expr=${expression}`

/**
 * What a worker is told about a request beyond what httpd tells by itself. Set, not added to: this proxy is the first one, so what a
 * client claims is dropped, unless it comes by a proxy that is trusted.
 */
export function requestHeaders(trust: TrustedProxies | undefined): Node[] {
  const set = (name: string, expression: string, unless?: string): Directive =>
    directive('RequestHeader', 'set', name, own(value(expression)), ...(unless === undefined ? [] : [own(value(unless))]))
  const untrusted = trust === undefined ? undefined : `! (${isTrusted(trust)})`
  /** Where the proxy in front has said something, that holds. */
  const keep = (name: string): string | undefined =>
    untrusted === undefined ? undefined : `${untrusted} || ! -n req_novary('${name}')`
  return [
    {
      comment:
        'What a client claims about others is dropped. Its Proxy header would become HTTP_PROXY, which programs take for a setting.',
    },
    directive('RequestHeader', 'unset', 'Proxy', 'early'),
    directive('RequestHeader', 'unset', 'Forwarded', 'early'),
    ...(trust === undefined ? [] : trusted(trust)),
    set('X-Forwarded-For', '%{REMOTE_ADDR}'),
    set('X-Forwarded-Proto', '%{REQUEST_SCHEME}', keep('X-Forwarded-Proto')),
    directive('RequestHeader', 'unset', 'X-Forwarded-Host', ...(untrusted === undefined ? [] : [own(value(untrusted))])),
    set('X-Forwarded-Host', '%{HTTP_HOST}', "-n %{HTTP_HOST} && ! -n req_novary('X-Forwarded-Host')"),
    set('X-Forwarded-Port', '%{SERVER_PORT}', keep('X-Forwarded-Port')),
  ]
}

/** What a trusted proxy may say in a header, the first of several: what the client spoke to. Anything else is dropped. */
const TOLD = { 'X-Forwarded-Proto': 'https?', 'X-Forwarded-Host': '[\\w.:\\[\\]-]+', 'X-Forwarded-Port': '\\d{1,5}' } as const

/** The client's address, its scheme and the host that it asked for, as a trusted proxy says. */
function trusted(trust: TrustedProxies): Directive[] {
  const byTrusted = (condition: string): string => `(${isTrusted(trust)}) && ${condition}`
  const portOf = (scheme: string, port: number): Directive =>
    directive(
      'RequestHeader',
      'set',
      'X-Forwarded-Port',
      port,
      own(value(byTrusted(`-z req_novary('X-Forwarded-Port') && req_novary('X-Forwarded-Proto') == '${scheme}'`))),
    )
  const secure = byTrusted("req_novary('X-Forwarded-Proto') =~ /^https(?:$|[\\s,])/")
  return [
    // Some say the port, too, which mod_remoteip takes for no address.
    directive(
      'RequestHeader',
      own('edit*'),
      trust.header,
      own('((?:\\d{1,3}\\.){3}\\d{1,3}):\\d{1,5}(?=\\s*(?:,|$))'),
      own('$1'),
      'early',
    ),
    directive(
      'RequestHeader',
      own('edit*'),
      trust.header,
      own('\\[([\\da-fA-F:.]+)\\](?::\\d{1,5})?(?=\\s*(?:,|$))'),
      own('$1'),
      'early',
    ),
    directive('RemoteIPHeader', trust.header),
    directive('RemoteIPInternalProxy', ...trust.networks.map((network) => own(checkNetwork(network)))),
    directive('SetEnvIfExpr', own(secure), own('HTTPS=on')),
    ...Object.entries(TOLD).flatMap(([name, pattern]) => [
      directive('RequestHeader', 'edit', name, own(`^(${pattern})[\\s,].*$`), own('$1')),
      directive('RequestHeader', 'unset', name, own(value(`! (req_novary('${name}') =~ m#^${pattern}$#)`))),
    ]),
    portOf('https', 443),
    portOf('http', 80),
    directive(
      'RequestHeader',
      'set',
      'Host',
      own(value('%{req_novary:X-Forwarded-Host}')),
      own(value(byTrusted("-n req_novary('X-Forwarded-Host')"))),
    ),
  ].map((each): Directive => ({ ...each, option: 'trust-proxy' }))
}

/** Variables of the request, for FastCGI, uwsgi and SCGI. */
export function requestVariables(): Directive[] {
  return [directive('SetEnvIfExpr', own("reqenv('UNIQUE_ID') =~ /^(.+)$/"), own('TSGI_REQUEST_ID=$1'))]
}

/** What only mod_proxy_fcgi can be told to leave out or to say in another way. */
export function fastcgiVariables({ serverName, trust }: Site, { version }: ApacheBuild): Node[] {
  const set = (condition: string, name: string, text: string): Directive =>
    directive('ProxyFCGISetEnvIf', own(condition), name, own(text))
  return [
    ...UNTOLD.map((name) => directive('ProxyFCGISetEnvIf', 'true', own(`!${name}`))),
    directive('ProxyFCGISetEnvIf', 'true', 'SERVER_SOFTWARE', own(`Apache/${version}`)),
    ...(serverNameWord(serverName) === serverName ? [] : [directive('ProxyFCGISetEnvIf', 'true', 'SERVER_NAME', serverName)]),
    ...(trust === undefined
      ? []
      : [
          set("%{HTTPS} == 'on' || reqenv('HTTPS') == 'on'", 'REQUEST_SCHEME', 'https'),
          set(`(${isTrusted(trust)}) && -n req_novary('X-Forwarded-Port')`, 'SERVER_PORT', '%{req_novary:X-Forwarded-Port}'),
        ]),
  ]
}
