import { block, directive, variable, literal } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { errorPages } from './error-pages.ts'
import { entry, freshUpstreamOf, MODULES, NONE } from './names.ts'
import type { Site } from '../site.ts'

/**
 * What nginx repeats by itself has no end: it does not count tries on connections that it has kept, so that one request that ends
 * its worker goes to the next, and the next. Here it repeats nothing, and its 502 leads to one more try, on a new connection.
 *
 * Among several hosts nginx has to choose another one, which its own tries do. But they end with 502, whoever is left, when the hosts
 * have become others since the request came: there the second try is behind its own.
 *
 * uwsgi and SCGI keep no connections. Where the application's own errors have pages, too, those of a page could lead to itself: there
 * it stays as nginx has it.
 */
export function triesTwice({ wire, errorOverride }: Site): boolean {
  const keepsConnections = wire === 'fastcgi' || wire === 'http'
  return keepsConnections && !errorOverride
}

function isRemote({ applications }: Site): boolean {
  return applications.some(({ remote }) => remote !== undefined)
}

/** For the `http` block: which requests have a second try. */
export function secondTryMap(site: Site): Node[] {
  if (!triesTwice(site)) return []
  return [...(isRemote(site) ? mapOfHosts() : mapOfSocket()), { comment: '' }]
}

/** What may be repeated and no worker has answered a byte to. */
function mapOfSocket(): Node[] {
  return [
    { comment: 'What may be repeated, once: no worker has begun to answer, and it is no upgrade.' },
    block(
      'map',
      [
        [variable('request_method'), literal(':'), variable('upstream_bytes_received'), literal(':'), variable('tsgi_upgrade')],
        variable('tsgi_once_more'),
      ],
      [entry('default', NONE), entry(literal('~^(?:GET|HEAD|OPTIONS|PUT|DELETE):0:$'), '1')],
    ),
  ]
}

/** The same of several tries, whose bytes nginx lists as `412, 0 : 0`: not where two hosts have got the request and gone, as it may be why. */
function mapOfHosts(): Node[] {
  const bar = literal('|')
  const bytes = [variable('upstream_bytes_received'), bar, variable('upstream_bytes_sent')]
  return [
    {
      comment:
        'What may be repeated: no host has begun to answer, one has got it at most, and it is no upgrade. What none has got, whatever it is.',
    },
    block(
      'map',
      [[variable('request_method'), bar, ...bytes, bar, variable('tsgi_upgrade')], variable('tsgi_once_more')],
      [
        entry('default', NONE),
        entry(literal('~^(?:GET|HEAD|OPTIONS|PUT|DELETE)\\|[0 ,:]+\\|[0 ,:]*\\d+[0 ,:]*\\|$'), '1'),
        entry(literal('~^\\w+\\|[0 ,:]+\\|[0 ,:]+\\|$'), '1'),
      ],
    ),
  ]
}

/** Within the location of an application. */
export function firstTry(site: Site, index: number): Node[] {
  if (!triesTwice(site)) return []
  return [
    ...(isRemote(site) ? [] : [directive(`${MODULES[site.wire]}_next_upstream`, 'off')]),
    directive('error_page', 502, '=', secondTryName(index)),
    ...errorPages(site),
    // The second try has error pages, too. It is the last.
    directive('recursive_error_pages', 'on'),
  ]
}

/** Where the second try is made. Who may come in has been asked. */
export function secondTryLocation(site: Site, index: number): Directive[] {
  if (!triesTwice(site)) return []
  const { wire, authentication } = site
  const upstream = freshUpstreamOf(index)
  return [
    block(
      'location',
      [secondTryName(index)],
      [
        ...(authentication === undefined ? [] : [directive('auth_request', 'off')]),
        block('if', [variable('tsgi_once_more'), '=', literal('')], [directive('return', 502)]),
        wire === 'http' ? directive('proxy_pass', `http://${upstream}`) : directive(`${wire}_pass`, upstream),
      ],
    ),
  ]
}

function secondTryName(index: number): string {
  return `@tsgi_once_more${index === 0 ? '' : `_${index}`}`
}
