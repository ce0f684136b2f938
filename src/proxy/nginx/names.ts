import { literal } from './directive.ts'
import type { Argument, Entry } from './directive.ts'
import type { Wire } from '../site.ts'

/** nginx's module names of the wires. */
export const MODULES = { fastcgi: 'fastcgi', uwsgi: 'uwsgi', scgi: 'scgi', http: 'proxy' } as const satisfies Record<Wire, string>

export type Module = (typeof MODULES)[Wire]

/** The upstream of the application at this place. */
export function upstreamOf(index: number): string {
  return index === 0 ? 'tsgi_workers' : `tsgi_workers_${index}`
}

/** The same workers by connections that are not kept. */
export function freshUpstreamOf(index: number): string {
  return index === 0 ? 'tsgi_fresh' : `tsgi_fresh_${index}`
}

/** A line of a map. */
export function entry(key: Argument, value: Argument): Entry {
  return { key, value }
}

/** A word of our own that nginx is to take for what it is. */
export const NONE = literal('')

export function time(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.ceil(ms)}ms`
}
