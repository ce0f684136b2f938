import type { BindAddress } from '../server/address.ts'
import { formatBindAddress } from '../server/address.ts'
import type { Protocol } from '../server/server.ts'

/**
 * The addresses that others than this machine reach, and where they may speak a protocol in which a peer says who the client is:
 * one sentence for a log; undefined where there are none.
 */
export function publicBindsDoubt(addresses: readonly BindAddress[], protocol: Protocol): string | undefined {
  if (protocol === 'http') return undefined
  const open = addresses.filter((address) => address.type === 'tcp' && !isLoopback(address.host)).map(formatBindAddress)
  if (open.length === 0) return undefined
  return `${open.join(', ')}: whoever reaches it may speak FastCGI, uwsgi or SCGI, and say who the client is; for clients themselves give --protocol http`
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
