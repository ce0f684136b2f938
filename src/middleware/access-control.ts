import { BlockList, isIP } from 'node:net'
import { TsgiError } from '../interface/errors.ts'
import type { Middleware } from '../interface/application.ts'
import { keepingLifespan } from './keep-lifespan.ts'

export interface AccessControlOptions {
  /** Addresses and networks (`192.0.2.0/24`, `2001:db8::/32`) that may; everybody when left out. */
  readonly allow?: readonly string[]
  /** Those that may not, even where they are allowed. */
  readonly deny?: readonly string[]
  /** 403 when left out; 404 hides that something is there. */
  readonly status?: 403 | 404
}

const ANSWERS = { 403: ['403 Forbidden', 'Forbidden\n'], 404: ['404 Not Found', 'Not Found\n'] } as const

/**
 * Lets only some clients in, by REMOTE_ADDR: put `proxyFix` around it where a proxy that speaks HTTP stands in front. A
 * request whose client is unknown, as over a unix socket, comes in only where nothing is said in `allow`.
 *
 * Throws `TSGI_ERR_OPTION` where an address is none.
 */
export function accessControl({ allow, deny = [], status = 403 }: AccessControlOptions): Middleware {
  const allowed = allow === undefined ? undefined : listOf(allow)
  const denied = listOf(deny)
  const [line, text] = ANSWERS[status]
  return keepingLifespan((application) => (environ, startResponse) => {
    const address = environ.REMOTE_ADDR ?? ''
    const isIn = allowed === undefined || contains(allowed, address)
    if (isIn && !contains(denied, address)) return application(environ, startResponse)
    startResponse(line, [['Content-Type', 'text/plain; charset=utf-8']])
    return text
  })
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix, ...rest] = network.split('/')
    const version = isIP(address)
    const bits = prefix === undefined ? undefined : Number(prefix)
    const most = version === 4 ? 32 : 128
    if (version === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) || (bits ?? 0) > most) {
      throw new TsgiError('TSGI_ERR_OPTION', `accessControl: ${JSON.stringify(network)} is no address and no network`)
    }
    if (bits === undefined) list.addAddress(address, family(version))
    else list.addSubnet(address, bits, family(version))
  }
  return list
}

/** An IPv4 address may come as IPv6 (`::ffff:192.0.2.1`): BlockList knows that. */
function contains(list: BlockList, address: string): boolean {
  const version = isIP(address)
  return version !== 0 && list.check(address, family(version))
}

function family(version: number): 'ipv4' | 'ipv6' {
  return version === 4 ? 'ipv4' : 'ipv6'
}
