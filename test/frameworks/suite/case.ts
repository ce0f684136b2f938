import type { Answer } from './answer.ts'
import type { WayName } from './ways.ts'

/** One request of a case: bytes as latin-1 text, or made from the answers before it. */
export type Message = string | ((answers: readonly Answer[]) => string)

/** When the client does the next thing, with a request under way. */
export type Moment =
  /** The bytes are on their way; nothing is waited for. */
  | 'sent'
  /** The log of the request (see `Case.log`) has `waiting` in it: the application has the request and does nothing. */
  | 'waiting'
  /** The head of the response and this many bytes of its body are there. */
  | { readonly bodyBytes: number }

/** One conversation with an application, compared between two ways to it. */
export interface Case {
  readonly theme: string
  /** Unique in its suite. */
  readonly name: string
  /** Sent one after another on one connection, each when the one before is answered. */
  readonly messages: readonly Message[]
  /** True: all are sent at once, in one write. */
  readonly pipelined?: boolean
  /** Status that the first answer must have on `node:http`, so that the case tests what its name says. */
  readonly status?: number
  /** How the client leaves before the answer is complete: `end` is a FIN, `reset` an RST. */
  readonly leaves?: { readonly how: 'end' | 'reset'; readonly when: Moment }
  /**
   * `id` of a watched request (test/apps/listener/events.mjs), and the entries that end its log. The log is compared, too.
   * An `@` in it becomes a digit of the way: one process serves them all.
   */
  readonly log?: { readonly id: string; readonly until: readonly string[] }
  /** Where it can be played; everywhere when left out. */
  readonly ways?: readonly WayName[]
  /** The rest of the last message, behind an empty line `SPLIT`, is sent when the interim response 100 has come. */
  readonly expectContinue?: boolean
  /** Ends the request as a client that closes its half: for bodies until the end, and to see that nothing follows. */
  readonly halfCloses?: boolean
}

/** Field lines that every request of these cases has. */
const HOST = 'Host: tsgi.test'

/** A request. `fields` are lines without their ends. A body gets its Content-Length unless `fields` frame it. */
export function request(method: string, target: string, fields: readonly string[] = [], body?: string): string {
  const framed = fields.some((field) => /^(?:content-length|transfer-encoding):/i.test(field))
  const length = body === undefined || framed ? [] : [`Content-Length: ${body.length}`]
  return `${[`${method} ${target} HTTP/1.1`, HOST, ...fields, ...length].join('\r\n')}\r\n\r\n${body ?? ''}`
}

export function get(target: string, ...fields: string[]): string {
  return request('GET', target, fields)
}

export function post(target: string, type: string, body: string, ...fields: string[]): string {
  return request('POST', target, [`Content-Type: ${type}`, ...fields], body)
}

/** Latin-1 text of the UTF-8 bytes of a text. */
export function utf8(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** A body in chunks. */
export function chunked(...chunks: string[]): string {
  return `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
}

type CaseRest = Omit<Case, 'theme' | 'name' | 'messages'>

/** Cases of one theme, each with one request or a list of them. */
export class Theme {
  readonly cases: Case[] = []
  readonly #theme: string

  constructor(theme: string) {
    this.#theme = theme
  }

  add(name: string, messages: Message | readonly Message[], rest: CaseRest = {}): this {
    this.cases.push({
      theme: this.#theme,
      name,
      messages: typeof messages === 'string' || typeof messages === 'function' ? [messages] : messages,
      ...rest,
    })
    return this
  }
}

/** Names a case in messages and in the lists of differences. */
export function caseId(one: Case): string {
  return `${one.theme}: ${one.name}`
}
