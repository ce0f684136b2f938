import { isIP } from 'node:net'

import { formatBindAddress, parseBindAddress } from '../server/address.ts'
import type { BindAddress } from '../server/address.ts'
import { isHopCount } from '../server/trusted-proxies.ts'
import type { ValueKind } from './settings-values.ts'

/** An address to listen on. */
export const bindAddress: ValueKind<BindAddress> = {
  placeholder: 'ADDR',
  accepted: 'unix:/path, host:port, [ipv6]:port or fd://N',
  arity: 'one',
  parse: (value) => parseBindAddress(value),
  show: formatBindAddress,
}

/** '' for the root, else `/x` with no slash at its end. */
export const mountPoint: ValueKind<string> = {
  placeholder: 'PATH',
  accepted: 'a path such as /app: no empty, "." or ".." segment, no "?", "#", "%" or white space',
  arity: 'one',
  show: (value) => value || '/',
  parse(value) {
    if (value === '/') return ''
    const url = value.replace(/\/$/, '')
    const segments = url.split('/')
    const plain = segments.every((segment, index) =>
      index === 0 ? segment === '' : !/^\.{0,2}$|[?#%\s\0-\x1f\x7f\\]/.test(segment),
    )
    return segments.length > 1 && plain ? url : undefined
  },
}

/** A segment of a URL path: not empty, `.` or `..`, and nothing that means something else in a URL. */
const SEGMENT = String.raw`(?!\.{1,2}(?:/|$))[^/?#%=\s\\\0-\x1f\x7f]+`

/** `/`, or `/x/y` with or without a slash at its end. */
export const URL_PATH = new RegExp(`^/(?:${SEGMENT}/)*(?:${SEGMENT})?$`)

/** A path of this server. */
export const urlPath: ValueKind<string> = {
  placeholder: 'URL',
  accepted: 'a path such as /auth: no empty, "." or ".." segment, no "?", "#", "%", "=" or white space',
  arity: 'one',
  parse: (value) => (URL_PATH.test(value) ? value : undefined),
}

/** An HTTP server that is not ours: no user, no query, no fragment. */
export const BACKEND = /^https?:\/\/(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?(?:\/[^?#\s\\"'\0-\x1f\x7f]*)?$/

/** A host name: labels of letters, digits, `-` and `_`. */
export const HOST_NAME = /^(?=.{1,253}$)[A-Za-z\d_](?:[\w-]{0,62})(?:\.[A-Za-z\d_](?:[\w-]{0,62}))*$/

/** A host name; `*.` may stand for its first label. */
export const hostPattern: ValueKind<string> = {
  placeholder: 'NAME',
  accepted: 'a host name such as www.example.com or *.example.com',
  arity: 'one',
  parse: (value) => (HOST_NAME.test(value.replace(/^\*\./, '')) ? value.toLowerCase() : undefined),
}

/** An address, or a network: `10.0.0.0/8`. */
const network: ValueKind<string> = {
  placeholder: 'CIDR',
  accepted: 'an address or a network such as 10.0.0.0/8 or fd00::/8',
  arity: 'one',
  parse(value) {
    const [address = '', prefix, ...more] = value.split('/')
    const family = isIP(address)
    if (family === 0 || more.length > 0 || address.includes('%')) return undefined
    if (prefix === undefined) return value
    if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return undefined
    return value
  },
}

/** An address of IPv6 may be written as in a URL, `[::1]`: the brackets are not a part of it. */
export const hostOrAddress: ValueKind<string> = {
  placeholder: 'HOST',
  accepted: 'a host name or an address',
  arity: 'one',
  parse(value) {
    const inside = /^\[([\dA-Fa-f:.]+)\]$/.exec(value)?.[1] ?? value
    return /^[\w.:%-]+$/.test(inside) ? inside : undefined
  },
}

/** Who may say who a client is: an address, a network, or how many proxies there are, whoever they are. */
export const trustedProxy: ValueKind<string> = {
  placeholder: 'CIDR|N',
  accepted: 'an address, a network such as 10.0.0.0/8 or fd00::/8, or a number of proxies from 1 to 99',
  arity: 'one',
  parse: (value) => (isHopCount(value) ? value : network.parse(value)),
}
