import { isIP } from 'node:net'

/** What one proxy says of the connection that it had; undefined: nothing, or nothing that can be believed. */
export interface ForwardedHop {
  readonly address: string | undefined
  readonly proto: string | undefined
  readonly host: string | undefined
}

/** An address, with a port or without, in brackets or without; undefined for what is none, such as `unknown` or `_hidden`. */
export function addressOf(text: string): string | undefined {
  const trimmed = text.trim()
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(trimmed)?.[1]
  const address = bracketed ?? /^([\d.]+):\d{1,5}$/.exec(trimmed)?.[1] ?? trimmed
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(plain) === 0 ? undefined : plain
}

/** The elements of a list, of which an empty one is none. */
export function listOf(text: string | undefined): string[] {
  if (text === undefined || text === '') return []
  return text.split(',').map((each) => each.trim())
}

/**
 * The elements of a Forwarded field (RFC 7239, section 4), the proxy that is nearest to the client first; undefined where it is
 * malformed: then nobody knows where one element ends.
 */
export function parseForwarded(text: string): ForwardedHop[] | undefined {
  const hops: ForwardedHop[] = []
  let pairs = new Map<string, string>()
  const pattern = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))[ \t]*(;|,|$)/y
  for (;;) {
    const match = pattern.exec(text)
    const name = match?.[1]?.toLowerCase()
    if (match === null || name === undefined || pairs.has(name)) return undefined
    pairs.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '')
    if (match[4] === ';') continue
    hops.push(hopOf(pairs))
    if (match[4] === '') return hops
    pairs = new Map()
  }
}

function hopOf(pairs: ReadonlyMap<string, string>): ForwardedHop {
  return { address: addressOf(pairs.get('for') ?? ''), proto: pairs.get('proto')?.toLowerCase(), host: pairs.get('host') }
}
