import { quote, TsgiError } from '../interface/errors.ts'
import type { Site } from './site.ts'

/** An address or a network, and no name that a proxy would look up, or read as a file of them. */
const NETWORK = /^(?:\d{1,3}(?:\.\d{1,3}){3}|(?=.*:)[\da-fA-F:.]{2,45})(?:\/\d{1,3})?$/

/** No underscore: proxies drop headers with one, and know words of their own that have one. */
const HEADER = /^[A-Za-z][A-Za-z\d-]*$/

/** A host and perhaps a port, and no socket of this machine. TLS to another server would need its certificate checked. */
const BACKEND = /^http:\/\/(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?(?:\/|$)/

/** No scheme, and no word of a proxy's own. */
const HOST_AND_PORT = /^(?:[A-Za-z\d](?:[\w.-]*[A-Za-z\d])?|\[[\da-fA-F:.]+\]):\d{1,5}$/
const RESOLVER = /^(?:[A-Za-z\d](?:[\w.-]*[A-Za-z\d])?|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/

/** What a variable's name may be made of. */
const COOKIE = /^\w{1,64}$/

/** Errors that a proxy can show something else for. Those above are nginx's between its own places. */
const FIRST_ERROR = 400
const LAST_ERROR = 589

/**
 * Refuses what a proxy would take for something else than the value that it is: a pattern, a keyword, a file, another server.
 * Settings are checked where they come in; this is the last place that knows what a value is for.
 *
 * Throws `TSGI_ERR_OPTION`.
 */
export function checkValues(site: Site): void {
  const { files, tls, trust, authentication, maintenance, errorDocuments, proxyMounts, proxyHosts, applications } = site
  const check = (
    option: string,
    what: string,
    good: (value: string) => boolean,
    values: readonly (string | undefined)[],
  ): void => {
    const bad = values.find((value) => value !== undefined && !good(value))
    if (bad !== undefined) throw new TsgiError('TSGI_ERR_OPTION', `--${option}: ${quote(bad)} is not ${what}`)
  }
  const isPath = (value: string): boolean => value.startsWith('/')
  const paths = (option: string, ...values: (string | undefined)[]): void => check(option, 'an absolute path', isPath, values)
  const urls = (option: string, ...values: string[]): void =>
    check(option, 'a URL path of this server, such as /x', isPath, values)
  const backends = (option: string, values: readonly { readonly backend: string }[]): void =>
    check(
      option,
      'a server such as http://127.0.0.1:9000/x',
      (value) => BACKEND.test(value),
      values.map(({ backend }) => backend),
    )

  paths('document-root', files.documentRoot)
  check('directory-index', 'the name of a file', (name) => !/^$|\/|^\.{1,2}$/.test(name), [files.directoryIndex])
  for (const { url, path } of files.aliases) {
    urls('url-alias', url)
    paths('url-alias', path)
  }
  paths('ssl-certificate-file', tls?.certificateFile)
  paths('ssl-certificate-key-file', tls?.keyFile)
  paths('ssl-ca-certificate-file', tls?.clients?.caFile)
  urls('ssl-verify-client', ...(tls?.clients?.urls ?? []))
  check('trust-proxy', 'an address or a network, such as 10.0.0.0/8', (value) => NETWORK.test(value), trust?.networks ?? [])
  check('trust-proxy-header', 'the name of a header', (value) => HEADER.test(value), [trust?.header])
  urls('auth-url', ...(authentication === undefined ? [] : [authentication.url]))
  urls('auth-exempt', ...(authentication?.exempt ?? []))
  paths('maintenance', maintenance?.page, maintenance?.flag)
  for (const { code, url } of errorDocuments) {
    check('error-document', `an error, ${FIRST_ERROR} to ${LAST_ERROR}`, isError, [String(code)])
    urls('error-document', url)
  }
  urls('proxy-mount-point', ...proxyMounts.map(({ url }) => url))
  backends('proxy-mount-point', proxyMounts)
  backends('proxy-virtual-host', proxyHosts)
  for (const { remote } of applications) {
    if (remote === undefined) continue
    check('workers-at', 'a host with a port, such as app:9000', (value) => HOST_AND_PORT.test(value), remote.servers)
    check('resolver', 'an address or a name', (value) => RESOLVER.test(value), [remote.resolver])
    const { balance } = remote
    if (balance !== 'least-conn') check('affinity', 'the name of a cookie', (value) => COOKIE.test(value), [balance.cookie])
  }
}

function isError(code: string): boolean {
  const number = Number(code)
  return Number.isInteger(number) && number >= FIRST_ERROR && number <= LAST_ERROR
}
