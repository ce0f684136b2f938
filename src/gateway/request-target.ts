/** Reads a request target (RFC 9112, section 3.2) the same way behind every proxy. */

import { TsgiError } from '../interface/errors.ts'

/**
 * The request target of a proxy that sends no REQUEST_URI. `path` is decoded (latin-1 text), `query` is not.
 *
 * Throws `TSGI_ERR_REQUEST_INVALID`.
 */
export function targetOfPath(path: string, query: string): string {
  if (path === '') throw new TsgiError('TSGI_ERR_REQUEST_INVALID', 'REQUEST_URI is missing, and so are SCRIPT_NAME and PATH_INFO')
  return encodePath(path) + (query === '' ? '' : `?${query}`)
}

/** Percent-encodes a decoded path (latin-1 text) so that it could have been a request target. */
function encodePath(path: string): string {
  return path.replace(
    /[^\w\-.~!$&'()*+,;=:@/]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** Splits off the query at the first `?` and drops a fragment; `query` is raw. */
export function splitTarget(target: string): { path: string; query: string } {
  const hash = target.indexOf('#')
  const whole = hash === -1 ? target : target.slice(0, hash)
  const mark = whole.indexOf('?')
  return mark === -1 ? { path: whole, query: '' } : { path: whole.slice(0, mark), query: whole.slice(mark + 1) }
}

/**
 * The request target of an application under a mount point: `target` without the mount point, beginning with `/`. Undefined
 * where the target is not under it. `mount` is `''` or `'/x'`, decoded; what is left of the target stays as it was sent.
 */
export function targetUnderMount(target: string, mount: string): string | undefined {
  if (mount === '') return target
  const { path } = splitTarget(target)
  const end = path.startsWith(mount) ? mount.length : endOfMount(path, mount)
  if (end === -1 || (end < path.length && path.charCodeAt(end) !== 0x2f)) return undefined
  const rest = target.slice(end)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Where the mount point ends in a path that writes it with percent-encodings, -1 when it is not there. */
function endOfMount(path: string, mount: string): number {
  let slash = 0
  for (const _ of mount.matchAll(/\//g)) {
    slash = path.indexOf('/', slash + 1)
    if (slash === -1) slash = path.length
  }
  return decodePath(path.slice(0, slash)) === mount ? slash : -1
}

/** Takes the scheme and authority off an absolute-form target, which Apache passes on and nginx strips. */
export function stripAuthority(target: string): string {
  if (target.startsWith('/')) return target
  const match = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*/.exec(target)
  if (match === null) return target
  const rest = target.slice(match[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * Decodes a path once: `%XX` and raw bytes (latin-1 text) are UTF-8. `%2F`, `//` and `..` stay what they decode to.
 * Bytes that are no UTF-8 become U+FFFD, a `%` without two hexadecimal digits stays as it is; REQUEST_URI has the original.
 */
export function decodePath(path: string): string {
  if (!NEEDS_DECODING.test(path)) return path
  const bytes = Buffer.allocUnsafe(path.length)
  let length = 0
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at)
    if (code === 0x25) {
      const value = hexPair(path, at + 1)
      if (value !== -1) {
        bytes[length++] = value
        at += 2
        continue
      }
    }
    bytes[length++] = code
  }
  return bytes.toString('utf8', 0, length)
}

const NEEDS_DECODING = /[%\x80-\xff]/

function hexPair(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at))
  const low = hexDigit(text.charCodeAt(at + 1))
  return high === -1 || low === -1 ? -1 : high * 16 + low
}

/** The digit's value, -1 for anything else, NaN (behind the end of the text) included. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
