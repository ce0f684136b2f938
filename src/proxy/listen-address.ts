import { quote, TsgiError } from '../interface/errors.ts'
import type { ListenAddress } from './site.ts'

/** What can be nothing but an address in a directive; whether it is one, the proxy says. No zone: proxies know none. */
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const IPV6 = /^(?=.*:.*:)[\da-fA-F:.]{2,45}$/

/** `127.0.0.1:80` or `[::1]:80`. Throws `TSGI_ERR_OPTION` for what is no literal address. */
export function addressText({ host, port }: ListenAddress, proxy: string): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TsgiError('TSGI_ERR_OPTION', `--port: ${quote(String(port))}`)
  if (IPV4.test(host)) return `${host}:${port}`
  if (IPV6.test(host)) return `[${host}]:${port}`
  throw new TsgiError('TSGI_ERR_OPTION', `--host: ${proxy} cannot listen on ${quote(host)}`)
}

/** The name, if it can be a server's and nothing else: proxies give a meaning to `~`, `*` and `$`. Throws `TSGI_ERR_OPTION`. */
export function checkServerName(name: string): string {
  const address = /^\[(.*)\]$/.exec(name)?.[1]
  if (address !== undefined ? IPV6.test(address) : /^[A-Za-z0-9_](?:[\w.-]{0,252})$/.test(name)) return name
  throw new TsgiError('TSGI_ERR_OPTION', `${quote(name)} is no name for a server`)
}
