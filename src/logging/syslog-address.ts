/** Where syslog listens. */
export type SyslogAddress =
  | { readonly type: 'udp'; readonly host: string; readonly port: number }
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | { readonly type: 'dgram'; readonly path: string }
  | { readonly type: 'stream'; readonly path: string }

const DEFAULT_PORT = 514

/** `udp://host:514`, `tcp://host:514`, `unix:///path#dgram` or `unix:///path#stream`, which is what a path alone means, as in Gunicorn. */
export function parseSyslogAddress(text: string): SyslogAddress | undefined {
  const local = /^unix:\/\/(\/[^#\0]*)(?:#(dgram|stream))?$/.exec(text)
  if (local !== null) return { type: local[2] === 'dgram' ? 'dgram' : 'stream', path: local[1] ?? '' }
  const remote = /^(udp|tcp):\/\/(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text)
  if (remote === null) return undefined
  const port = remote[4] === undefined ? DEFAULT_PORT : Number(remote[4])
  if (port < 1 || port > 65_535) return undefined
  return { type: remote[1] === 'tcp' ? 'tcp' : 'udp', host: remote[2] ?? remote[3] ?? '', port }
}

/** As it would be written. */
export function formatSyslogAddress(address: SyslogAddress): string {
  if (address.type === 'dgram' || address.type === 'stream') return `unix://${address.path}#${address.type}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${address.type}://${host}:${address.port}`
}
