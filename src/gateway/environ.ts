import type { Environ, ErrorStream, FileWrapper } from '../interface/application.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { belongsToConnection } from './connection-fields.ts'
import { EnvironShapes, EXCHANGE } from './environ-shape.ts'
import type { Draft, DraftBase } from './environ-shape.ts'
import type { Exchange } from './exchange.ts'
import type { ServerContext } from './request-handler.ts'
import { decodePath, splitTarget, stripAuthority, targetOfPath } from './request-target.ts'

const VERSION = Object.freeze([1, 0] as const)

/**
 * `tsgi.signal` is an accessor: making an AbortSignal takes 2 µs on Node 20, and few requests look at it.
 * One shared descriptor keeps every environ in one hidden class. A copy by spreading holds the signal itself.
 */
const SIGNAL_DESCRIPTOR: PropertyDescriptor = {
  get(this: Draft): AbortSignal {
    return this[EXCHANGE]?.signal ?? new AbortController().signal
  },
  set(this: Draft, value: unknown) {
    Object.defineProperty(this, 'tsgi.signal', { value, writable: true, enumerable: true, configurable: true })
  },
  enumerable: true,
  configurable: true,
}

/**
 * Makes the environ of a request from its parameters (RFC 3875, section 4.1).
 *
 * Fields that speak of the proxy's connection are left out, repeated header fields joined. SCRIPT_NAME and PATH_INFO come
 * from REQUEST_URI and the mount point, whatever the proxy made of them. Returns undefined when the request is not under the
 * mount point.
 *
 * Throws `TSGI_ERR_REQUEST_INVALID` for a repeated or missing variable, `TSGI_ERR_CONTENT_LENGTH` never: the connection judged it.
 */
export function createEnviron(exchange: Exchange, base: DraftBase): Environ | undefined {
  const { params } = exchange
  const draft = SHAPES.make(params, base) ?? setVariables(emptyDraft(base), params)
  draft['tsgi.input'] = exchange.input
  draft[EXCHANGE] = exchange
  Object.defineProperty(draft, 'tsgi.signal', SIGNAL_DESCRIPTOR)
  return complete(draft, exchange)
}

const SHAPES = new EnvironShapes(belongsToConnection)

function setVariables(draft: Draft, params: readonly string[]): Draft {
  for (let index = 0; index < params.length; index += 2) setVariable(draft, params[index] ?? '', params[index + 1] ?? '')
  return draft
}

/** What all environs of a server share. */
export function draftBase({ multiprocess, runOnce = false }: ServerContext, errors: ErrorStream): DraftBase {
  return {
    'tsgi.version': VERSION,
    'tsgi.errors': errors,
    'tsgi.multithread': false,
    'tsgi.multiprocess': multiprocess,
    'tsgi.run_once': runOnce,
    'tsgi.file_wrapper': wrapFile,
  }
}

/** The beginning of an environ whose variables are set one by one; the same members in the same order as in a shape. */
function emptyDraft(base: DraftBase): Draft {
  return {
    REQUEST_METHOD: undefined,
    SCRIPT_NAME: undefined,
    PATH_INFO: undefined,
    QUERY_STRING: undefined,
    REQUEST_URI: undefined,
    SERVER_NAME: undefined,
    SERVER_PORT: undefined,
    SERVER_PROTOCOL: undefined,
    'tsgi.version': base['tsgi.version'],
    'tsgi.url_scheme': 'http',
    'tsgi.input': undefined,
    'tsgi.errors': base['tsgi.errors'],
    'tsgi.multithread': base['tsgi.multithread'],
    'tsgi.multiprocess': base['tsgi.multiprocess'],
    'tsgi.run_once': base['tsgi.run_once'],
    'tsgi.file_wrapper': base['tsgi.file_wrapper'],
    'tsgi.request_id': '',
  } as unknown as Draft // exactOptionalPropertyTypes: unset is written as undefined here, and nowhere else
}

function setVariable(draft: Draft, name: string, value: string): void {
  const known = draft[name]
  if (name.charCodeAt(0) === 0x48 && name.startsWith('HTTP_')) {
    if (belongsToConnection(name)) return
    // Two hosts are two opinions of where the request goes (RFC 9112, section 3.2).
    if (known !== undefined && name === 'HTTP_HOST') throw repeated(name)
    draft[name] = known === undefined ? value : `${String(known)}${name === 'HTTP_COOKIE' ? '; ' : ', '}${value}`
    return
  }
  if (name.startsWith('tsgi.')) throw new TsgiError('TSGI_ERR_REQUEST_INVALID', `${quote(name)} is no variable of a proxy`)
  if (value === '' && (name === 'CONTENT_LENGTH' || name === 'CONTENT_TYPE')) return
  if (known !== undefined) {
    if (known === value && !CORE.has(name)) return
    throw repeated(name)
  }
  draft[name] = value
}

function repeated(name: string): TsgiError {
  return new TsgiError('TSGI_ERR_REQUEST_INVALID', `${quote(name)} is given twice; the proxy's parameters repeat a variable`)
}

/** Variables of which a second value, even an equal one, means that somebody slipped one in. */
const CORE = new Set(['REQUEST_METHOD', 'REQUEST_URI', 'QUERY_STRING', 'CONTENT_LENGTH', 'SERVER_PROTOCOL', 'REMOTE_ADDR'])

function complete(draft: Draft, exchange: Exchange): Environ | undefined {
  if (draft.REQUEST_METHOD === undefined || draft.REQUEST_METHOD === '') {
    throw new TsgiError('TSGI_ERR_REQUEST_INVALID', 'REQUEST_METHOD is missing; the proxy sends no CGI variables')
  }
  if (draft.REQUEST_URI === undefined || draft.REQUEST_URI === '') {
    draft.REQUEST_URI = targetOfPath(`${draft.SCRIPT_NAME ?? ''}${draft.PATH_INFO ?? ''}`, draft.QUERY_STRING ?? '')
  }
  const { path: target, query } = splitTarget(stripAuthority(draft.REQUEST_URI))
  const path = target === '*' ? '' : decodePath(target)
  // A proxy sends no other target; one that it has let through cannot be mapped to a path.
  if (path.charCodeAt(0) !== 0x2f && target !== '*') {
    throw new TsgiError(
      'TSGI_ERR_REQUEST_INVALID',
      `REQUEST_URI is ${quote(draft.REQUEST_URI)}, which is neither a path nor a URL`,
    )
  }
  const mount = exchange.context.mountPoint
  if (mount === '') {
    draft.SCRIPT_NAME = ''
    draft.PATH_INFO = path
  } else {
    if (!path.startsWith(mount) || (path.length > mount.length && path.charCodeAt(mount.length) !== 0x2f)) return undefined
    draft.SCRIPT_NAME = mount
    draft.PATH_INFO = path.slice(mount.length)
  }
  draft.QUERY_STRING = query
  draft.SERVER_NAME ||= 'localhost'
  draft.SERVER_PROTOCOL ??= 'HTTP/1.0'
  if (draft['HTTPS'] === 'on' || draft['HTTPS'] === '1' || draft['REQUEST_SCHEME'] === 'https') draft['tsgi.url_scheme'] = 'https'
  // A unix socket has no port; the scheme's own is what a URL without one means.
  draft.SERVER_PORT ||= draft['tsgi.url_scheme'] === 'https' ? '443' : '80'
  // `requestId` looks the same variable up; here it is at hand.
  const id = draft['TSGI_REQUEST_ID']
  draft['tsgi.request_id'] = typeof id === 'string' && id !== '' ? id : exchange.requestId
  if (draft['HTTP_UPGRADE'] !== undefined && exchange.upgrade !== undefined) draft['tsgi.upgrade'] = () => exchange.takeOver()
  // Every member has been set above.
  return draft as unknown as Environ
}

/** Nothing cheaper than reading the file is at hand yet: the source is the body, and it is closed with it. */
const wrapFile: FileWrapper = (source) => source
