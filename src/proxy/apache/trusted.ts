import type { TrustedProxies } from '../site.ts'

/** Whether the connection is one of a trusted proxy's. The networks are checked: what they hold ends no string. */
export function isTrusted({ networks }: TrustedProxies): string {
  return networks.map((network) => `%{CONN_REMOTE_ADDR} -ipmatch '${checkNetwork(network)}'`).join(' || ')
}

export function checkNetwork(network: string): string {
  if (!/^[\da-fA-F:.]+(?:\/\d{1,3})?$/.test(network)) throw new Error(`${network} is no network`)
  return network
}
