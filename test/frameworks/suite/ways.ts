import type { Wire } from '../../../src/proxy/site.ts'

export type Proxy = 'nginx' | 'Apache'

/** The wires that the suite is played over. */
export type SuiteWire = Exclude<Wire, 'scgi'>

/** What an answer is compared with: the same application on `node:http`, reached in the same manner. */
export type Reference = `behind ${Proxy}` | 'directly'

/** How requests reach an application. */
export interface Way {
  readonly name: string
  /** The proxy's, which the way is tested together with. */
  readonly proxy: Proxy
  /** What the proxy speaks to tsgi; undefined: there is no proxy. */
  readonly wire: SuiteWire | undefined
  readonly reference: Reference
}

export const WAYS = [
  { name: 'FastCGI', proxy: 'nginx', wire: 'fastcgi', reference: 'behind nginx' },
  { name: 'uwsgi', proxy: 'nginx', wire: 'uwsgi', reference: 'behind nginx' },
  { name: 'HTTP', proxy: 'nginx', wire: 'http', reference: 'behind nginx' },
  { name: 'embedded HTTP', proxy: 'nginx', wire: undefined, reference: 'directly' },
  { name: 'Apache FastCGI', proxy: 'Apache', wire: 'fastcgi', reference: 'behind Apache' },
  { name: 'Apache uwsgi', proxy: 'Apache', wire: 'uwsgi', reference: 'behind Apache' },
  { name: 'Apache HTTP', proxy: 'Apache', wire: 'http', reference: 'behind Apache' },
] as const satisfies readonly Way[]

export type WayName = (typeof WAYS)[number]['name']

/** The ways that are tested together with a proxy. */
export function waysOf(proxy: Proxy): (typeof WAYS)[number][] {
  return WAYS.filter((way) => way.proxy === proxy)
}

/** The ways over a binary protocol behind nginx, on which a request is made of variables and a response has no framing. */
export const BINARY: readonly WayName[] = ['FastCGI', 'uwsgi']
/** The same behind Apache. */
export const APACHE_BINARY: readonly WayName[] = ['Apache FastCGI', 'Apache uwsgi']
/** The same behind any proxy. */
export const EVERY_BINARY: readonly WayName[] = [...BINARY, ...APACHE_BINARY]
export const APACHE: readonly WayName[] = [...APACHE_BINARY, 'Apache HTTP']
export const EVERY_WAY: readonly WayName[] = WAYS.map((way) => way.name)
