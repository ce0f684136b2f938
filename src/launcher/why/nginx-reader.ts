import { FAILURE_MARK } from '../../proxy/nginx/failures.ts'
import type { FailureMember } from '../../proxy/nginx/failures.ts'
import type { FailedRequest, FailureReader } from './failed-request.ts'

/** `2026/11/22 16:25:01 [error] 12#12: *34 upstream timed out (…), client: …` */
const OWN_LINE = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) \[\w+\] (\d+)#\d+: \*(\d+) (.*)$/

/** Behind nginx's words stands what it knows of the request, which clients have a say in. */
const BEHIND_WORDS = /, client: [\da-f.:]+|, client: unix:/

/** Words that wait for the request that they are about. Requests that a second try has saved leave theirs behind. */
const MAX_WAITING = 4096

/** How much later than its words a request may end. Its clock counts whole seconds, milliseconds. */
const CLOCK_MS = 1500

/** nginx's words are shorter. What comes out of the backend is not. */
const MAX_WORDS = 500

/** Words that no request has claimed after this are on none that has a line, milliseconds. */
const EXPIRY_MS = 3000

/** In the midst of a response. A request that came to nothing before that may have had a second try. */
const BROKEN_OFF = / while reading upstream$/

/** What nginx knows of the request: `, request: "GET / HTTP/1.1", upstream: "fastcgi://unix:/x/tsgi.sock:"`. */
const REQUEST_IN_LINE = /, request: "(.*?)", upstream: "\w+:\/\/unix:([^"]*?):/

interface Words {
  readonly at: number
  readonly text: string
  /** The whole line, which has the request. */
  readonly line: string
}

/**
 * Puts nginx's words on a request together with the request itself, which has its id: both have the process and the number of the
 * client's connection, over HTTP/2 that of several requests.
 */
export class NginxReader implements FailureReader {
  /** By process and connection, the oldest first. */
  readonly #waiting = new Map<string, Words[]>()
  #count = 0

  push(line: string): FailedRequest[] {
    if (line.startsWith(FAILURE_MARK)) return this.#failed(line.slice(FAILURE_MARK.length))
    const [, year, month, day, hours, minutes, seconds, pid, connection, rest] = OWN_LINE.exec(line) ?? []
    if (rest === undefined) return []
    // Words are in local time, as Date takes it.
    const at = new Date(Number(year), Number(month) - 1, Number(day), Number(hours), Number(minutes), Number(seconds)).getTime()
    const end = rest.search(BEHIND_WORDS)
    this.#wait(`${pid}*${connection}`, { at, text: rest.slice(0, end < 0 ? undefined : end).slice(0, MAX_WORDS), line })
    return []
  }

  /** nginx does not know of a body without a length that it has broken off, and has no line for the request: its words stand alone. */
  expire(now: number): FailedRequest[] {
    const expired: FailedRequest[] = []
    for (const [key, all] of this.#waiting) {
      if ((all[0]?.at ?? now) > now - EXPIRY_MS) break
      const old = all.filter(({ at }) => at <= now - EXPIRY_MS)
      this.#keep(
        key,
        all,
        all.filter((words) => !old.includes(words)),
      )
      for (const { at, text, line } of old) {
        if (!BROKEN_OFF.test(text)) continue
        const [, request = '', socketPath] = REQUEST_IN_LINE.exec(line) ?? []
        expired.push({ at, id: '-', request, status: 0, begun: true, seconds: undefined, words: text, socketPath })
      }
    }
    return expired
  }

  #wait(key: string, words: Words): void {
    const others = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    this.#waiting.set(key, [...others, words])
    this.#count += 1
    for (const [oldest, { length }] of this.#waiting) {
      if (this.#count <= MAX_WAITING) break
      this.#waiting.delete(oldest)
      this.#count -= length
    }
  }

  #keep(key: string, all: readonly Words[], others: Words[]): void {
    if (others.length > 0) this.#waiting.set(key, others)
    else this.#waiting.delete(key)
    this.#count -= all.length - others.length
  }

  #failed(json: string): FailedRequest[] {
    const members = membersOf(json)
    if (members === undefined) return []
    const { id, pid, connection, request, upstream } = members
    const [at, status, seconds] = [Number(members.at) * 1000, Number(members.status), Number(members.seconds)]
    const begun = /[\d.]+$/.test(members.headerTime)
    const words = this.#wordsOn(`${pid}*${connection}`, request, at - seconds * 1000)
    // A response of the application, and nothing is wrong with it: its own affair.
    if (begun && members.completed === 'OK' && words === undefined) return []
    const socketPath = /unix:([^,]*?):?(?: : |$)/.exec(upstream.split(', ').at(-1) ?? '')?.[1]
    return [{ at, id, request, status, begun, seconds, words, socketPath }]
  }

  /** The last ones, of its last try. */
  #wordsOn(key: string, request: string, startedAt: number): string | undefined {
    const all = this.#waiting.get(key)
    if (all === undefined) return undefined
    const own = all.filter(({ line, at }) => at >= startedAt - CLOCK_MS && line.includes(`, request: "${request}"`))
    const others = all.filter((words) => !own.includes(words) && words.at >= startedAt - CLOCK_MS)
    this.#keep(key, all, others)
    return own.at(-1)?.text
  }
}

function membersOf(json: string): Record<FailureMember, string> | undefined {
  try {
    const members: unknown = JSON.parse(json)
    if (typeof members !== 'object' || members === null) return undefined
    // nginx writes every member, each as text.
    return Object.values(members).every((each) => typeof each === 'string')
      ? (members as Record<FailureMember, string>)
      : undefined
  } catch {
    // A line that was cut off, as where the disk was full.
    return undefined
  }
}
