import { FAILURE_MARK } from '../../proxy/apache/failures.ts'
import type { FailedRequest, FailureReader } from './failed-request.ts'

/**
 * `[Sun Nov 22 16:25:01.123456 2026] [proxy_fcgi:error] [pid 1:tid 2] (104)Connection reset by peer: [client 127.0.0.1:4] [id Zx] AH01075: …`:
 * nothing ahead of the id comes from a client.
 */
const OWN_LINE =
  /^\[\w{3} \w{3} [ \d]\d [\d:.]+ \d{4}\] \[(\w*):\w+\] \[pid (\d+:tid \d+)\] (?:(\(\d+\)[^[]{0,200}?): )?(?:\[client [^\]]*\] )?(?:\[id ([\w@-]{1,64})\] )?(.*)$/

/** `tsgi-failure 1763888461123 Zx 503 1200 GET / HTTP/1.1` */
const REQUEST = /^(\d+) ([\w@-]{1,64}) (\d{3}) (\d+) (.*)$/

const CONNECTING = /^AH0(?:2454|0957): /

/** Of modules that speak to workers. */
const PROXIES = /^proxy/

/** Behind httpd's words: where the client came from. */
const REFERER = /, referer: .*$/

/** Which words count where httpd has several lines: that it could not connect, what is wrong with the head, what the system said. */
const PRECISE = [
  /AH0(?:2454|0957): /,
  /^Premature end |^End of script |^malformed header|AH10124: |AH010(?:68|69|72): /,
  /^\(\d+\)/,
] as const

const UNIX_PATH = /AH02454: \w+: attempt to connect to Unix domain socket (.*?) \(tsgi-/

/** Words without a request after this are on a response that broke off half-way, which has no status of its own, milliseconds. */
const EXPIRY_MS = 1500

const MAX_WAITING = 4096
const MAX_LINES = 8
const MAX_WORDS = 500

interface Words {
  readonly at: number
  readonly lines: string[]
}

/** Puts httpd's words on a request together with the request itself: both have its id. */
export class ApacheReader implements FailureReader {
  readonly #waiting = new Map<string, Words>()
  /** By process and thread, of which httpd has a few hundred. */
  readonly #ofThread = new Map<string, string>()

  push(line: string): FailedRequest[] {
    if (line.startsWith(FAILURE_MARK)) return this.#failed(line.slice(FAILURE_MARK.length))
    const [, module = '', thread = '', system, id, message = ''] = OWN_LINE.exec(line) ?? []
    if (!PROXIES.test(module)) return []
    const words = `${system === undefined ? '' : `${system}: `}${message.replace(REFERER, '')}`.slice(0, MAX_WORDS)
    if (id === undefined) {
      // That it cannot connect, httpd says of the server; the next line of this thread has the request.
      if (CONNECTING.test(message)) this.#ofThread.set(thread, words)
      return []
    }
    const ahead = this.#ofThread.get(thread)
    this.#ofThread.delete(thread)
    const known = this.#waiting.get(id)
    if (known === undefined) this.#waiting.set(id, { at: Date.now(), lines: [...(ahead === undefined ? [] : [ahead]), words] })
    else if (known.lines.length < MAX_LINES) known.lines.push(words)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    return []
  }

  expire(now: number): FailedRequest[] {
    const expired: FailedRequest[] = []
    for (const [id, words] of this.#waiting) {
      if (words.at > now - EXPIRY_MS) break
      this.#waiting.delete(id)
      expired.push({ at: words.at, id, request: '', status: 0, begun: true, seconds: undefined, ...told(words) })
    }
    return expired
  }

  #failed(text: string): FailedRequest[] {
    const [, at, id = '', status, micros, request = ''] = REQUEST.exec(text) ?? []
    if (id === '') return []
    const words = this.#waiting.get(id)
    this.#waiting.delete(id)
    const of = { at: Number(at), id, request, status: Number(status), begun: false, seconds: Number(micros) / 1e6 }
    // Over uwsgi and SCGI it says nothing where a worker closes the connection, and over every wire the application has errors of its own.
    return [words === undefined ? { ...of, words: undefined, socketPath: undefined, doubtful: true } : { ...of, ...told(words) }]
  }
}

function told({ lines }: Words): Pick<FailedRequest, 'words' | 'socketPath'> {
  const words = PRECISE.map((pattern) => lines.find((line) => pattern.test(line))).find((line) => line !== undefined) ?? lines[0]
  return { words, socketPath: lines.map((line) => UNIX_PATH.exec(line)?.[1]).find((path) => path !== undefined) }
}
