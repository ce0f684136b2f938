import { TsgiError } from '../../interface/errors.ts'
import type { Site } from '../site.ts'
import { directive, from, literal, own, regexOf, section } from './directive.ts'
import type { Argument, Directive, Node } from './directive.ts'
import { RAW_TARGET } from './names.ts'
import { below, seconds } from './workers.ts'

/** What other servers answer, WebSockets included, below the URL paths that are theirs. */
export function otherServers(site: Site): Node[] {
  return site.proxyMounts.flatMap(({ url, backend }) => {
    const bare = url.replace(/\/$/, '')
    return passTo(site, `${bare}/`, below(bare), backend, 'proxy-mount-point')
  })
}

/** Everything that is for a host. */
export function otherHost(site: Site, backend: string): Node[] {
  return passTo(site, '/', below(''), backend, 'proxy-virtual-host')
}

function passTo({ timeouts }: Site, path: string, where: Argument, backend: string, option: string): Node[] {
  if (!backend.startsWith('http://'))
    throw new TsgiError('TSGI_ERR_OPTION', `--${option}: only http:// backends can be passed to`)
  const target = backend.endsWith('/') ? backend : `${backend}/`
  return [
    from(
      option,
      directive(
        'ProxyPass',
        literal(path),
        literal(target),
        'nocanon',
        'upgrade=ANY',
        'flushpackets=on',
        'retry=0',
        `timeout=${seconds(timeouts.otherReadMs)}`,
      ),
    ),
    section(
      'LocationMatch',
      [where],
      [
        { comment: 'It is asked by its own name. A redirect to its own address becomes one to here.' },
        directive('ProxyPreserveHost', 'Off'),
        directive('Header', 'edit', 'Location', own(`^${regexOf(target)}`), own(encodeURI(path).replaceAll('%', '%%'))),
      ],
    ),
  ]
}

/** Rewriting leaves these alone, but for the slash that begins what is below them. */
export function otherServerRules(site: Site): Node[] {
  return site.proxyMounts.flatMap(({ url }): Directive[] => {
    const bare = url.replace(/\/$/, '')
    return [
      ...(bare === ''
        ? []
        : [
            directive('RewriteCond', own('%{HTTP_HOST} %{THE_REQUEST}'), own(`^(\\S+) ${RAW_TARGET}`)),
            directive('RewriteRule', [own('^'), literal(bare), own('$')], own('%{REQUEST_SCHEME}://%1%2/'), own('[R=308,NE,L]')),
          ]),
      from('proxy-mount-point', directive('RewriteRule', below(bare), own('-'), own('[L]'))),
    ]
  })
}
