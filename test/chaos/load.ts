import { Agent, request } from 'node:http'

/** One request and what became of it. */
interface Outcome {
  /** Since the load began, milliseconds. */
  readonly atMs: number
  readonly tookMs: number
}

export interface Failure {
  readonly atMs: number
  readonly what: string
}

/** What a load has seen. */
export interface LoadResult {
  readonly requests: number
  readonly failures: readonly Failure[]
  /** Of all requests that were answered, milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly longest: number
  /** The bodies that came, and how often. */
  readonly answers: ReadonlyMap<string, number>
}

/** What a POST sends: more than one packet, less than nginx writes to a file. */
const BODY = Buffer.alloc(3000, 'x')

/** A request that has no answer by then has failed, milliseconds. */
const GIVE_UP_MS = 15_000

/**
 * Clients that ask all the time: half of them on connections that they keep, half on a new one each time, GET and POST in turn.
 * A request fails when it has no answer, another status than 200, or a POST is not answered with what it sent.
 */
export class Load {
  readonly #url: URL
  readonly #startedAt = performance.now()
  readonly #outcomes: Outcome[] = []
  readonly #failures: Failure[] = []
  readonly #answers = new Map<string, number>()
  readonly #lastAnswers = new Map<number, number>()
  readonly #agents: Agent[] = []
  readonly #clients: Promise<void>[]
  readonly #end = new AbortController()

  /** `pauseMs`: what each client waits between two requests. */
  constructor(url: string, options: { readonly clients?: number; readonly pauseMs?: number } = {}) {
    this.#url = new URL(url)
    const { clients = 16, pauseMs = 4 } = options
    this.#clients = Array.from({ length: clients }, (_, index) => this.#run(index % 2 === 0, pauseMs))
  }

  /** Since the load began, milliseconds. */
  get elapsedMs(): number {
    return performance.now() - this.#startedAt
  }

  /** For how long a worker has not answered a request of this load, milliseconds. */
  idleMs(pid: number): number {
    return this.elapsedMs - (this.#lastAnswers.get(pid) ?? -Infinity)
  }

  /** The p99 of the requests that began within the time, milliseconds from the start. */
  p99Between(fromMs: number, toMs: number): number {
    const began = this.#outcomes.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    return percentile(
      began.map(({ tookMs }) => tookMs),
      0.99,
    )
  }

  async stop(): Promise<LoadResult> {
    this.#end.abort()
    await Promise.all(this.#clients)
    for (const agent of this.#agents) agent.destroy()
    const times = this.#outcomes.map(({ tookMs }) => tookMs)
    return {
      requests: this.#outcomes.length + this.#failures.length,
      failures: this.#failures,
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      longest: percentile(times, 1),
      answers: this.#answers,
    }
  }

  async #run(keeps: boolean, pauseMs: number): Promise<void> {
    const agent = keeps ? new Agent({ keepAlive: true, maxSockets: 1 }) : false
    if (agent !== false) this.#agents.push(agent)
    for (let count = 0; !this.#end.signal.aborted; count += 1) {
      const post = count % 2 === 1
      const atMs = this.elapsedMs
      try {
        const body = await this.#ask(agent, post)
        this.#outcomes.push({ atMs, tookMs: this.elapsedMs - atMs })
        const [answer = '', pid] = body.split(' ', 2)
        this.#lastAnswers.set(Number(pid), this.elapsedMs)
        this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1)
      } catch (error) {
        const how = `${keeps ? 'kept' : 'new'} ${post ? 'POST' : 'GET'}: `
        this.#failures.push({ atMs: Math.round(atMs), what: how + (error instanceof Error ? error.message : String(error)) })
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  #ask(agent: Agent | false, post: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request(this.#url, { agent, method: post ? 'POST' : 'GET', timeout: GIVE_UP_MS }, (response) => {
        let body = ''
        response.setEncoding('latin1').on('data', (text: string) => (body += text))
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
          else if (post && !body.endsWith(` ${BODY.length}`)) reject(new Error(`another body: ${body.slice(0, 80)}`))
          else resolve(body)
        })
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${GIVE_UP_MS} ms`)))
      outgoing.on('error', reject)
      outgoing.end(post ? BODY : undefined)
    })
  }
}

/** 0 without values. */
function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
