import { MAX_SOCKET_PATH_BYTES } from '../interface/limits.ts'
import { quote, TsgiError } from '../interface/errors.ts'
import { whyNotHere } from './platform.ts'

/** Where a server listens. */
export type BindAddress =
  | { type: 'unix'; path: string }
  | { type: 'tcp'; host: string; port: number }
  | { type: 'fd'; fd: number }

/** Highest descriptor number worth asking for: Linux's default ceiling (`fs.nr_open`). */
const MAX_FD = 1_048_576

/**
 * Reads `unix:/path`, `host:port`, `[::1]:port`, `:port` (every IPv4 address) or `fd://N`.
 *
 * Throws `TSGI_ERR_BIND_INVALID`, also for what `system` does not have, or `TSGI_ERR_SOCKET_PATH_TOO_LONG`.
 */
export function parseBindAddress(text: string, system: NodeJS.Platform = process.platform): BindAddress {
  const address = read(text)
  checkAddress(address, system)
  return address
}

/** Throws `TSGI_ERR_BIND_INVALID` where the system has no such addresses. */
export function checkAddress(address: BindAddress, system: NodeJS.Platform = process.platform): void {
  const why = address.type === 'tcp' ? undefined : whyNotHere(address.type, system)
  if (why !== undefined) throw new TsgiError('TSGI_ERR_BIND_INVALID', `${quote(formatBindAddress(address))}: ${why}`)
}

function read(text: string): BindAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
    if (path === '' || path.includes('\0')) throw invalid(text)
    checkSocketPath(path)
    return { type: 'unix', path }
  }
  if (text.startsWith('fd://')) {
    const fd = decimal(text.slice('fd://'.length), MAX_FD)
    if (fd === undefined) throw invalid(text)
    return { type: 'fd', fd }
  }
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:\s[\]/]*)):(\d{1,5})$/.exec(text)
  const port = match?.[3] === undefined ? undefined : decimal(match[3], 65_535)
  if (match === null || port === undefined) throw invalid(text)
  return { type: 'tcp', host: match[1] ?? (match[2] === '' || match[2] === undefined ? '0.0.0.0' : match[2]), port }
}

/** The address as a person would type it. */
export function formatBindAddress(address: BindAddress): string {
  switch (address.type) {
    case 'unix':
      return `unix:${address.path}`
    case 'fd':
      return `fd://${address.fd}`
    case 'tcp':
      return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
  }
}

/** Throws `TSGI_ERR_SOCKET_PATH_TOO_LONG` where the system would cut the path off. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw new TsgiError(
      'TSGI_ERR_SOCKET_PATH_TOO_LONG',
      `${quote(path)} has ${bytes} bytes, the system allows ${MAX_SOCKET_PATH_BYTES}`,
    )
  }
}

function decimal(text: string, maximum: number): number | undefined {
  if (!/^\d{1,7}$/.test(text)) return undefined
  const value = Number(text)
  return value <= maximum ? value : undefined
}

function invalid(text: string): TsgiError {
  return new TsgiError('TSGI_ERR_BIND_INVALID', `${quote(text)} is not unix:/path, host:port, [ipv6]:port or fd://N`)
}
