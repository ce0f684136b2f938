import { METHODS } from 'node:http'
import type { Environ } from '../../interface/application.ts'
import { quote } from '../../interface/errors.ts'
import { decodePath, splitTarget, stripAuthority } from '../../gateway/request-target.ts'
import type { Reporter } from './finding.ts'
import type { RuleId } from './rules.ts'

const VARIABLES = ['REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'REQUEST_URI', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL']

const KEYS = [
  'tsgi.version',
  'tsgi.url_scheme',
  'tsgi.input',
  'tsgi.errors',
  'tsgi.multithread',
  'tsgi.multiprocess',
  'tsgi.run_once',
  'tsgi.file_wrapper',
  'tsgi.signal',
  'tsgi.request_id',
]

/** Fields whose variables have other names, that end at the server, or that CGI would make dangerous. */
const FORBIDDEN = [
  'HTTP_CONTENT_TYPE',
  'HTTP_CONTENT_LENGTH',
  'HTTP_PROXY',
  'HTTP_CONNECTION',
  'HTTP_KEEP_ALIVE',
  'HTTP_TE',
  'HTTP_TRANSFER_ENCODING',
]

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** What a server has made of a request: section 2 of TSGI 1.0. False where it cannot be used at all. */
export function checkEnviron(environ: Environ, reporter: Reporter): boolean {
  const found = (rule: RuleId, seen: string, expected: string): void => reporter.report(rule, seen, expected, environ)
  if (typeof environ !== 'object' || environ === null) {
    reporter.report('2.1', `environ is ${quote(environ)}`, 'a plain object')
    return false
  }
  const prototype: unknown = Object.getPrototypeOf(environ)
  if (prototype !== null && prototype !== Object.prototype) found('2.1', `environ is ${quote(environ)}`, 'a plain object')
  if (!Object.isExtensible(environ)) found('2.1', 'environ is frozen, sealed or not extensible', 'one that may be changed')
  for (const name of [...VARIABLES, ...KEYS])
    if (environ[name] === undefined) found('2.9', `${name} is missing`, 'it to be there')
  if (environ.QUERY_STRING === undefined) found('2.10', 'QUERY_STRING is missing', 'an empty one')
  for (const name of FORBIDDEN) if (name in environ) found('2.11', `there is ${name}`, 'it to be left out')
  for (const [name, value] of Object.entries(environ)) {
    if (name.includes('.') || typeof value === 'string') continue
    if (value !== undefined || !VARIABLES.includes(name)) found('2.12', `${name} is ${quote(value)}`, 'text')
  }
  checkVariables(environ, found)
  checkKeys(environ, found)
  return true
}

type Found = (rule: RuleId, seen: string, expected: string) => void

function checkVariables(environ: Environ, found: Found): void {
  const { REQUEST_METHOD: method, SERVER_NAME: host, SERVER_PORT: port, CONTENT_LENGTH: length } = environ
  if (length !== undefined && !/^\d+$/.test(length)) found('2.15', `CONTENT_LENGTH is ${quote(length)}`, 'digits, or none of it')
  if (isText(method)) {
    if (!TOKEN.test(method)) found('2.18', `REQUEST_METHOD is ${quote(method)}`, 'a token (RFC 9110, section 5.6.2)')
    else if (!METHODS.includes(method)) found('2.19', `REQUEST_METHOD is ${quote(method)}`, 'one that is known')
  }
  if (host === '') found('2.24', 'SERVER_NAME is empty', 'a name or an address')
  if (isText(port) && !/^\d+$/.test(port)) found('2.24', `SERVER_PORT is ${quote(port)}`, 'digits')
  checkPath(environ, found)
}

function checkPath({ SCRIPT_NAME: script, PATH_INFO: path, REQUEST_URI: target }: Environ, found: Found): void {
  if (!isText(script) || !isText(path)) return
  if (script !== '' && (!script.startsWith('/') || script.endsWith('/'))) {
    found('2.16', `SCRIPT_NAME is ${quote(script)}`, '"", or "/x" without a slash at its end')
  }
  if (path !== '' && !path.startsWith('/')) found('2.17', `PATH_INFO is ${quote(path)}`, '"" or "/…"')
  if (!isText(target)) return
  if (script === '' && path === '' && target !== '*')
    found('2.17', 'SCRIPT_NAME and PATH_INFO are both empty', 'PATH_INFO to be "/"')
  const { path: raw } = splitTarget(stripAuthority(target))
  if (raw === script + path && decodePath(raw) !== raw) {
    found(
      '2.2',
      `SCRIPT_NAME and PATH_INFO are ${quote(raw)}, as in REQUEST_URI`,
      `them to be decoded: ${quote(decodePath(raw))}`,
    )
  }
}

function checkKeys(environ: Environ, found: Found): void {
  const given = (name: string): boolean => environ[name] !== undefined
  const version: unknown = environ['tsgi.version']
  const isPair = Array.isArray(version) && version.length === 2 && version.every((each) => Number.isInteger(each))
  if (given('tsgi.version') && !isPair) found('2.13', `tsgi.version is ${quote(version)}`, '[1, 0]')
  const scheme: unknown = environ['tsgi.url_scheme']
  if (given('tsgi.url_scheme') && scheme !== 'http' && scheme !== 'https') {
    found('2.14', `tsgi.url_scheme is ${quote(scheme)}`, '"http" or "https"')
  }
  for (const name of ['tsgi.multithread', 'tsgi.multiprocess', 'tsgi.run_once']) {
    if (given(name) && typeof environ[name] !== 'boolean') found('2.23', `${name} is ${quote(environ[name])}`, 'true or false')
  }
  if (given('tsgi.file_wrapper') && typeof environ['tsgi.file_wrapper'] !== 'function') {
    found('2.23', `tsgi.file_wrapper is ${quote(environ['tsgi.file_wrapper'])}`, 'a function')
  }
  const id: unknown = environ['tsgi.request_id']
  if (given('tsgi.request_id') && (!isText(id) || id === ''))
    found('2.23', `tsgi.request_id is ${quote(id)}`, 'text that is not empty')
  if (given('tsgi.signal') && !(environ['tsgi.signal'] instanceof AbortSignal)) {
    found('2.5', `tsgi.signal is ${quote(environ['tsgi.signal'])}`, 'an AbortSignal')
  }
  checkMethods(environ, 'tsgi.input', ['read', 'readline', 'readlines', Symbol.asyncIterator], '2.20', found)
  checkMethods(environ, 'tsgi.errors', ['write', 'flush'], '2.22', found)
  const upgrade: unknown = environ['tsgi.upgrade']
  if (upgrade === undefined) return
  if (typeof upgrade !== 'function') found('3.1', `tsgi.upgrade is ${quote(upgrade)}`, 'a function, or none')
  if (environ.HTTP_UPGRADE === undefined) {
    found('3.1', 'there is tsgi.upgrade without HTTP_UPGRADE', 'it where the client asks for another protocol only')
  }
}

function checkMethods(environ: Environ, name: string, methods: readonly (string | symbol)[], rule: RuleId, found: Found): void {
  const value = environ[name]
  if (value === undefined) return
  for (const method of methods) {
    const isThere = typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function'
    if (!isThere) found(rule, `${name} has no ${String(method)}()`, 'it to be there')
  }
}

/** The types say so, and servers in JavaScript do as they like. */
function isText(value: unknown): value is string {
  return typeof value === 'string'
}
