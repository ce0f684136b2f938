import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { addressOf, listOf, parseForwarded } from './forwarded-header.ts'
import type { ForwardedHop } from './forwarded-header.ts'

/** What proxies say about a client. Whatever nobody is believed about is taken out of a request. */
const CLAIMS = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'forwarded'] as const

/** What a host may look like that a proxy names: nothing that means something else in a URL or a header. */
const HOST = /^(?:[\w.-]{1,253}|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/

/** Most elements of a list that are looked at: a client can write as many as its head has room for. */
const MAX_HOPS = 100

/** Who may say whom a request is from, and what is made of what they say. */
export class TrustedProxies {
  readonly #networks: BlockList | undefined
  /** How many proxies there are, whoever they are; 0: `networks` says. */
  readonly #count: number
  readonly #header: string
  readonly #claims: readonly string[]
  readonly #unheard = new Set<string>()

  /** `trusted`: addresses and networks, or one number. `header`: where they say it. */
  constructor(trusted: readonly string[], header: string) {
    this.#header = header.toLowerCase()
    this.#claims = [...new Set([...CLAIMS, this.#header])]
    this.#count = Number(trusted.find(isHopCount) ?? 0)
    const networks = trusted.filter((each) => !isHopCount(each))
    if (networks.length === 0) return
    this.#networks = new BlockList()
    for (const network of networks) {
      const [address = '', prefix] = network.split('/')
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      if (prefix === undefined) this.#networks.addAddress(address, family)
      else this.#networks.addSubnet(address, Number(prefix), family)
    }
  }

  /** Whether the peer of a connection may say it. Undefined: it has no address, for it has come by a unix socket. */
  trusts(address: string | undefined): boolean {
    if (address === undefined || this.#count > 0) return true
    return this.#networks?.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') === true
  }

  /**
   * Takes out of a request what its peer is not believed about. Gives true the first time that this peer has said something: an
   * operator may want to know.
   */
  drop(request: IncomingMessage, peer: string): boolean {
    const { headers } = request
    if (!this.#claims.some((name) => headers[name] !== undefined)) return false
    setFields(request, new Map(this.#claims.map((name) => [name, undefined])))
    if (this.#unheard.has(peer) || this.#unheard.size >= MAX_HOPS) return false
    this.#unheard.add(peer)
    return true
  }

  /**
   * Writes down in X-Forwarded-For, -Proto, -Host and -Port, one value each, and in Host, what a trusted peer says about the client,
   * as far as those who say it are trusted; the rest of what was said is taken out.
   *
   * `peer`: the address of the connection, undefined for a unix socket; `localPort`: where it has come in.
   */
  believe(request: IncomingMessage, peer: string | undefined, localPort: number | undefined): void {
    const { headers } = request
    const hops = this.#hops(request)
    const index = this.#clientAt(hops)
    const address = this.#addressAt(hops, index) ?? peer
    const hop = hops[index]
    const proto = hop?.proto === 'https' || hop?.proto === 'http' ? hop.proto : undefined
    const host = hop?.host !== undefined && HOST.test(hop.host) ? hop.host : undefined
    const said = /^\d{1,5}$/.exec(elementAt(listOf(textOf(headers['x-forwarded-port'])), hops.length, index) ?? '')?.[0]
    const usual = proto === undefined ? localPort : proto === 'https' ? 443 : 80
    const port = (this.#header === 'forwarded' ? undefined : said) ?? /:(\d{1,5})$/.exec(host ?? '')?.[1] ?? usual
    setFields(
      request,
      new Map<string, string | undefined>([
        ...(this.#header === 'x-forwarded-for' ? [] : [[this.#header, undefined] as const]),
        ['forwarded', undefined],
        ['x-forwarded-for', address],
        ['x-forwarded-proto', proto ?? 'http'],
        ['x-forwarded-host', host ?? headers.host],
        ['x-forwarded-port', port === undefined ? undefined : String(port)],
        ...(host === undefined ? [] : [['host', host] as const]),
      ]),
    )
  }

  /** The chain, the proxy that is nearest to the client first. */
  #hops({ headers }: IncomingMessage): readonly ForwardedHop[] {
    if (this.#header === 'forwarded') return (parseForwarded(textOf(headers.forwarded) ?? '') ?? []).slice(-MAX_HOPS)
    const addresses = listOf(textOf(headers[this.#header])).slice(-MAX_HOPS)
    const protos = listOf(textOf(headers['x-forwarded-proto']))
    const hosts = listOf(textOf(headers['x-forwarded-host']))
    const length = Math.max(addresses.length, 1)
    return Array.from({ length }, (_, index) => ({
      address: addressOf(addresses[index] ?? ''),
      proto: elementAt(protos, length, index)?.toLowerCase(),
      host: elementAt(hosts, length, index),
    }))
  }

  /** Which element is about the client: the last one that no trusted proxy is meant by, or as many from the end as there are proxies. */
  #clientAt(hops: readonly ForwardedHop[]): number {
    if (this.#count > 0) return Math.max(0, hops.length - this.#count)
    for (let index = hops.length - 1; index > 0; index--) {
      const address = hops[index]?.address
      // What is no address was not written by a proxy that can be followed further.
      if (address === undefined || !this.trusts(address)) return index
    }
    return 0
  }

  /** The address that an element has, else the one of the nearest proxy behind it that has one. */
  #addressAt(hops: readonly ForwardedHop[], index: number): string | undefined {
    return hops.slice(index).find(({ address }) => address !== undefined)?.address
  }
}

/** Whether a text of `--trust-proxy` is a number of proxies. */
export function isHopCount(text: string): boolean {
  return /^[1-9]\d?$/.test(text)
}

/** A list that has an element for each hop is read beside them; a shorter one from its end: a proxy sets or adds. */
function elementAt(list: readonly string[], hops: number, index: number): string | undefined {
  return list[Math.max(0, list.length - (hops - index))] || undefined
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header
}

/** Sets header fields, names in lower case, or takes them out; in `headers` and in `rawHeaders`, whence the others are made. */
function setFields(request: IncomingMessage, fields: ReadonlyMap<string, string | undefined>): void {
  const { headers, rawHeaders } = request
  const raw: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (!fields.has(name.toLowerCase())) raw.push(name, rawHeaders[index + 1] ?? '')
  }
  for (const [name, value] of fields) {
    if (value === undefined) Reflect.deleteProperty(headers, name)
    else {
      headers[name] = value
      raw.push(name, value)
    }
  }
  rawHeaders.splice(0, rawHeaders.length, ...raw)
}
