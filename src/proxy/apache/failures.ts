import { absolute } from '../absolute-path.ts'
import type { Site } from '../site.ts'
import { directive, from, literal, own } from './directive.ts'
import type { Directive, Node } from './directive.ts'

/** How a line begins that is on a request which may have failed. */
export const FAILURE_MARK = 'tsgi-failure '

/** Statuses that httpd answers where it cannot bring a response; the application may send them, too. */
const SUSPECT = ['500', '502', '503', '504']

/** Pages that tell the request's id, and their words. */
const PAGES = { 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' } as const

/**
 * httpd's usual format for its error log with the id of the request, which its own words know it by. What a client can put into a line
 * stands behind that.
 */
const ERROR_FORMAT =
  '[%{u}t] [%-m:%l] [pid %P:tid %T] %7F: %E: [client\\ %a] [id\\ %{TSGI_REQUEST_ID}e] %M% ,\\ referer\\ %{Referer}i'

/**
 * Which requests they were, for the launcher: when they ended (milliseconds), id, status, duration (microseconds), request. The id is
 * not UNIQUE_ID, which mod_proxy_fcgi leaves out for the workers, and for everybody.
 */
const FORMAT = `${FAILURE_MARK}%{end:msec}t %{TSGI_REQUEST_ID}e %>s %D %r`

export function failureLog({ logs: { failures } }: Site): Node[] {
  if (failures === undefined) return []
  return [
    directive('ErrorLogFormat', own(ERROR_FORMAT)),
    {
      comment: 'Requests that failed between httpd and the application, for the launcher, which explains them in the error log.',
    },
    directive('LogFormat', own(FORMAT), 'tsgi_failure'),
    from(
      'server-root',
      directive(
        'CustomLog',
        literal(absolute(failures)),
        'tsgi_failure',
        own(`expr=%{REQUEST_STATUS} -in {${SUSPECT.map((status) => `'${status}'`).join(', ')}}`),
      ),
    ),
  ]
}

/** `named`: statuses that have another page. */
export function failurePages({ logs: { failures }, maintenance, errorOverride }: Site, named: ReadonlySet<number>): Directive[] {
  if (failures === undefined || maintenance !== undefined || errorOverride) return []
  return [
    ...Object.entries(PAGES)
      .filter(([status]) => !named.has(Number(status)))
      .map(([status, reason]) => directive('ErrorDocument', status, own(`${reason}. Request id: %{reqenv:TSGI_REQUEST_ID}`))),
    directive(
      'Header',
      'always',
      'setifempty',
      'X-Request-ID',
      own('expr=%{reqenv:TSGI_REQUEST_ID}'),
      own(
        `expr=%{REQUEST_STATUS} -in {${Object.keys(PAGES)
          .map((status) => `'${status}'`)
          .join(', ')}}`,
      ),
    ),
  ]
}
