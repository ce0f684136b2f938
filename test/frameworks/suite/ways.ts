/** How requests reach an application. */
export interface Way {
  readonly name: string
  /** What an answer is compared with: the same application on `node:http`, reached in the same manner. */
  readonly reference: 'behind nginx' | 'directly'
}

export const WAYS = [
  { name: 'FastCGI', reference: 'behind nginx' },
  { name: 'uwsgi', reference: 'behind nginx' },
  { name: 'HTTP', reference: 'behind nginx' },
  { name: 'embedded HTTP', reference: 'directly' },
] as const satisfies readonly Way[]

export type WayName = (typeof WAYS)[number]['name']

/** The ways over a binary protocol, on which a request is made of variables and a response has no framing. */
export const BINARY: readonly WayName[] = ['FastCGI', 'uwsgi']
export const EVERY_WAY: readonly WayName[] = WAYS.map((way) => way.name)
