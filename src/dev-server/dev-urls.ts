import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

import type { BindAddress } from '../server/address.ts'

/** Whether only this machine can connect. */
export function isLoopback(address: BindAddress): boolean {
  return address.type !== 'tcp' || address.host === 'localhost' || address.host === '::1' || address.host.startsWith('127.')
}

/** How a browser gets there. */
export function urlOf(address: BindAddress, secure: boolean, mountPoint: string): string {
  if (address.type === 'unix') return `unix:${address.path}`
  if (address.type === 'fd') return `fd://${address.fd}`
  const { port } = address
  const everywhere = address.host === '0.0.0.0' || address.host === '::'
  const host = everywhere ? '127.0.0.1' : isIP(address.host) === 6 ? `[${address.host}]` : address.host
  return `${secure ? 'https' : 'http'}://${host}:${port}${mountPoint}/`
}

/** Who may connect, in words; undefined: this machine alone. */
export function exposureOf(addresses: readonly BindAddress[], secure: boolean, mountPoint: string): string | undefined {
  const open = addresses.find((address) => !isLoopback(address))
  if (open?.type !== 'tcp') return undefined
  const family = isIP(open.host)
  const everywhere = open.host === '0.0.0.0' || open.host === '::'
  const own = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.internal === false && each.family === 'IPv4')?.address
  const from = everywhere && own !== undefined && family !== 0 ? `, by ${urlOf({ ...open, host: own }, secure, mountPoint)}` : ''
  return `every machine that reaches this one${from}: they can run the application and read its errors and sources`
}
