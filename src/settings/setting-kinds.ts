import { formatBindAddress, parseBindAddress } from '../server/address.ts'
import type { BindAddress } from '../server/address.ts'
import type { ValueKind } from './settings-values.ts'

/** An address to listen on. */
export const bindAddress: ValueKind<BindAddress> = {
  placeholder: 'ADDR',
  accepted: 'unix:/path, host:port, [ipv6]:port or fd://N',
  arity: 'one',
  parse: parseBindAddress,
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
