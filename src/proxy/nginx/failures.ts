import { absolute } from '../absolute-path.ts'
import type { Site } from '../site.ts'
import { block, directive, from, literal, variable } from './directive.ts'
import type { Directive, Literal, Node, Variable } from './directive.ts'
import { entry } from './names.ts'

/** How a line of ours begins: nginx's own in the same file begin with a date. */
export const FAILURE_MARK = 'tsgi-failure '

/**
 * Requests for workers that may have failed, by `upstream|OK or nothing|status|method|Content-Length|bytes of the body`: the client
 * left; a status that nginx answers where it cannot bring a response, or that is the application's own; a body that is shorter than
 * it should be. nginx's words decide which have.
 */
const SUSPECT = [
  '~.\\|\\|\\d+\\|[^|]*\\|\\d*\\|\\d+$',
  '~.\\|OK\\|50[0234]\\|',
  '~.\\|OK\\|(?!304)\\d+\\|(?!HEAD\\|)[^|]*\\|(\\d+)\\|(?!\\1$)\\d+$',
] as const

const SUSPECT_KEY = [
  'upstream_addr',
  'request_completion',
  'status',
  'request_method',
  'sent_http_content_length',
  'body_bytes_sent',
] as const

const FORMAT = 'tsgi_failure'

/** What a line tells of a request, by nginx's variables. `connection` is the number behind the `*` in nginx's own lines. */
const MEMBERS = {
  at: 'msec',
  id: 'request_id',
  pid: 'pid',
  connection: 'connection',
  request: 'request',
  status: 'status',
  completed: 'request_completion',
  upstream: 'upstream_addr',
  headerTime: 'upstream_header_time',
  seconds: 'request_time',
} as const

export type FailureMember = keyof typeof MEMBERS

/** For the main block: nginx's own words on requests that fail, into the file that the launcher reads. */
export function failureWords({ logs: { failures } }: Site): Directive[] {
  return failures === undefined ? [] : [from('server-root', directive('error_log', literal(absolute(failures)), 'error'))]
}

/** For the `http` block: which requests they were, with the ids that their clients have seen. */
export function failureLog({ logs: { failures } }: Site): Node[] {
  if (failures === undefined) return []
  return [
    {
      comment: 'Requests that failed between nginx and the application, for the launcher, which explains them in the error log.',
    },
    block(
      'map',
      [SUSPECT_KEY.flatMap((name, index) => [...(index === 0 ? [] : [literal('|')]), variable(name)]), variable('tsgi_failed')],
      [entry('default', '0'), ...SUSPECT.map((pattern) => entry(literal(pattern), '1'))],
    ),
    directive('log_format', FORMAT, 'escape=json', [literal(FAILURE_MARK), ...jsonObject()]),
    from('server-root', directive('access_log', literal(absolute(failures)), FORMAT, [literal('if='), variable('tsgi_failed')])),
  ]
}

function jsonObject(): (Literal | Variable)[] {
  const members = Object.entries(MEMBERS).flatMap(([name, source], index) => [
    literal(`${index === 0 ? '{' : '",'}"${name}":"`),
    variable(source),
  ])
  return [...members, literal('"}')]
}

/** Statuses that have a page with the request's id, and its words. */
const PAGES = { 502: 'Bad Gateway', 504: 'Gateway Timeout' } as const

/** Where the application's own errors have pages, these would stand in for them, too. */
function pages({ logs: { failures }, errorOverride }: Site): [status: string, reason: string][] {
  return failures === undefined || errorOverride ? [] : Object.entries(PAGES)
}

/** Behind the pages that the operator has named. */
export function failurePages(site: Site): Directive[] {
  return pages(site).map(([status]) => directive('error_page', status, locationName(status)))
}

/** A page that tells the request's id, so that whoever sees it can say which one it was. */
export function failurePageLocations(site: Site): Node[] {
  return pages(site).map(([status, reason]) =>
    block(
      'location',
      [locationName(status)],
      [
        block('types', [], []),
        directive('default_type', 'text/plain'),
        directive('add_header', 'X-Request-ID', variable('request_id'), 'always'),
        directive('return', status, [literal(`${reason}. Request id: `), variable('request_id')]),
      ],
    ),
  )
}

function locationName(status: string): string {
  return `@tsgi_failed_${status}`
}
