import { block, directive, variable, literal } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { errorPages } from './error-pages.ts'
import { entry, freshUpstreamOf, MODULES, NONE } from './names.ts'
import type { Site } from '../site.ts'

/**
 * What nginx repeats by itself has no end: it does not count tries on connections that it has kept, so that one request that ends
 * its worker goes to the next, and the next. Here it repeats nothing, and its 502 leads to one more try, on a new connection.
 *
 * uwsgi and SCGI keep no connections. Among several hosts nginx has to choose another one, which only its own tries do. Where the
 * application's own errors have pages, too, those of a page could lead to itself: there it stays as nginx has it.
 */
export function triesTwice({ wire, errorOverride, applications }: Site): boolean {
  const keepsConnections = wire === 'fastcgi' || wire === 'http'
  return keepsConnections && !errorOverride && applications.every(({ remote }) => remote === undefined)
}

/** For the `http` block: which requests have a second try, namely those that may be repeated and that no worker has answered a byte to. */
export function secondTryMap(site: Site): Node[] {
  if (!triesTwice(site)) return []
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
    { comment: '' },
  ]
}

/** Within the location of an application. */
export function firstTry(site: Site, index: number): Node[] {
  if (!triesTwice(site)) return []
  return [
    directive(`${MODULES[site.wire]}_next_upstream`, 'off'),
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
