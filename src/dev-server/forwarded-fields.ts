import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Fields that belong to one connection (RFC 9110, section 7.6.1), and what `node:http` has dealt with already. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'expect',
  'trailer',
])

/** What only this server may say to its worker. */
const OURS = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port'])

/** The fields of a request for the worker, `[name, value, …]`, in the order and spelling in which they came. */
export function requestFields(request: IncomingMessage, upgrade: string | undefined): string[] {
  const { headers, rawHeaders, method = '' } = request
  const fields = withoutConnection(rawHeaders, OURS)
  const chunked = headers['transfer-encoding'] !== undefined
  if (chunked) fields.push('Transfer-Encoding', 'chunked')
  // Else `node:http` would add the encoding of a body that there is none of.
  else if (headers['content-length'] === undefined && !['GET', 'HEAD', 'OPTIONS'].includes(method)) {
    fields.push('Content-Length', '0')
  }
  const socket: Socket & { encrypted?: boolean } = request.socket
  if (socket.remoteAddress !== undefined) fields.push('X-Forwarded-For', socket.remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''))
  if (socket.localPort !== undefined) fields.push('X-Forwarded-Port', String(socket.localPort))
  fields.push('X-Forwarded-Proto', socket.encrypted === true ? 'https' : 'http')
  // Whoever closes when it has answered may do so before the end of the request is written, which then fails: this side closes.
  if (upgrade === undefined) fields.push('Connection', 'keep-alive')
  else fields.push('Connection', 'Upgrade', 'Upgrade', upgrade)
  return fields
}

/** The fields of a worker's response for the client. */
export function responseFields({ rawHeaders }: IncomingMessage): string[] {
  return withoutConnection(rawHeaders, new Set())
}

function withoutConnection(raw: readonly string[], others: ReadonlySet<string>): string[] {
  const named = new Set<string>()
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== 'connection') continue
    for (const name of raw[index + 1]?.split(',') ?? []) named.add(name.trim().toLowerCase())
  }
  const kept: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? ''
    if (!OF_CONNECTION.has(name) && !others.has(name) && !named.has(name)) kept.push(raw[index] ?? '', raw[index + 1] ?? '')
  }
  return kept
}
