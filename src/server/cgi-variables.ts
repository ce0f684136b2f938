import { readFileSync } from 'node:fs'
import { TsgiError } from '../interface/errors.ts'
import { decodePath, splitTarget, stripAuthority, targetOfPath } from '../gateway/request-target.ts'

/** What a web server tells a program of one request. */
export interface CgiVariables {
  /** `[name, value, …]`, latin-1, REQUEST_URI among them. */
  readonly params: string[]
  /** `''` or `'/x'`, decoded: where the program is, as its clients see it. */
  readonly mountPoint: string
}

/**
 * Request variables (RFC 3875, section 4.1), and those that web servers add. The rest of an environment is the process's own:
 * SSL_CERT_FILE is one of Node's settings, SERVER_URL may be one of the application's.
 */
const OF_THE_REQUEST = new RegExp(
  `^(?:${[
    'HTTP_\\w+|REDIRECT_\\w+|REMOTE_(?:ADDR|HOST|IDENT|PORT|USER)|REQUEST_(?:METHOD|SCHEME|URI)|SCRIPT_(?:FILENAME|NAME|URI|URL)',
    'SERVER_(?:ADDR|ADMIN|NAME|PORT|PROTOCOL|SIGNATURE|SOFTWARE)|CONTENT_(?:LENGTH|TYPE)|CONTEXT_(?:DOCUMENT_ROOT|PREFIX)',
    'PATH_(?:INFO|TRANSLATED)|DOCUMENT_(?:ROOT|URI)|QUERY_STRING|GATEWAY_INTERFACE|AUTH_TYPE|HTTPS|UNIQUE_ID|TSGI_REQUEST_ID',
    'SSL_(?:PROTOCOL|SECURE_RENEG|COMPRESS_METHOD|TLS_SNI|(?:CIPHER|CLIENT|SERVER|SESSION|SRP|VERSION)\\w*)',
  ].join('|')})$`,
)

/**
 * The environment of this process, `[name, value, …]`, latin-1: its bytes as they are. `process.env` has them decoded as UTF-8, in
 * which other bytes are lost, so they are read from the system where it shows them.
 */
export function environmentBytes(): string[] {
  let entries: string[]
  try {
    entries = readFileSync('/proc/self/environ', 'latin1').split('\0')
  } catch {
    entries = Object.entries(process.env).map(([name, value]) => Buffer.from(`${name}=${value ?? ''}`).toString('latin1'))
  }
  return entries.flatMap((entry) => {
    const equals = entry.indexOf('=')
    return equals > 0 ? [entry.slice(0, equals), entry.slice(equals + 1)] : []
  })
}

/**
 * Takes the variables of the request out of an environment, `[name, value, …]`.
 *
 * Throws `TSGI_ERR_CGI` where there is no request, `TSGI_ERR_REQUEST_INVALID` where nothing tells what is asked for.
 */
export function cgiVariables(environment: readonly string[]): CgiVariables {
  const told = new Map<string, string>()
  for (let index = 0; index < environment.length; index += 2) {
    const name = environment[index] ?? ''
    if (OF_THE_REQUEST.test(name)) told.set(name, environment[index + 1] ?? '')
  }
  if (!told.get('REQUEST_METHOD')) {
    throw new TsgiError(
      'TSGI_ERR_CGI',
      'REQUEST_METHOD is not in the environment, where a web server says what is asked for. To try the application here: REQUEST_METHOD=GET REQUEST_URI=/ tsgi cgi APP; to serve it: tsgi serve APP',
    )
  }
  const mountPoint = place(told)
  // The log of Apache, whose mod_unique_id this is, has it too.
  const id = told.get('UNIQUE_ID')
  if (id && !told.has('TSGI_REQUEST_ID')) told.set('TSGI_REQUEST_ID', id)
  return { params: [...told].flat(), mountPoint }
}

/**
 * Where the program is. SCRIPT_NAME says so, unless the URL was rewritten: then it is what stands ahead of PATH_INFO in the URL that
 * the client has asked for. Where neither is so, or there is no such URL, REQUEST_URI becomes what the server says.
 */
function place(told: Map<string, string>): string {
  const utf8 = (name: string): string => Buffer.from(told.get(name) ?? '', 'latin1').toString('utf8')
  const [scriptName, pathInfo] = [utf8('SCRIPT_NAME').replace(/\/$/, ''), utf8('PATH_INFO')]
  const target = told.get('REQUEST_URI')
  if (target) {
    const path = decodePath(splitTarget(stripAuthority(target)).path)
    if (path === scriptName || path.startsWith(`${scriptName}/`)) return scriptName
    const ahead = path.slice(0, path.length - pathInfo.length)
    if (pathInfo.startsWith('/') && path.endsWith(pathInfo) && !ahead.endsWith('/')) return ahead
  }
  const said = `${told.get('SCRIPT_NAME') ?? ''}${told.get('PATH_INFO') ?? ''}` || '/'
  told.set('REQUEST_URI', targetOfPath(said, told.get('QUERY_STRING') ?? ''))
  return scriptName
}

/**
 * Leaves nothing of the request in the environment: the HTTP_PROXY that a client's Proxy header becomes is a setting to many programs
 * (CVE-2016-5385), and an application is not to tell CGI from any other door.
 */
export function forgetRequest(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) {
    if (OF_THE_REQUEST.test(name)) Reflect.deleteProperty(environment, name)
  }
}
