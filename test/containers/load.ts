import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Asked {
  readonly method?: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly agent?: Agent
}

/** Nobody is waited for longer, milliseconds. */
const LIMIT_MS = 30_000

/** One request. Rejects where the connection fails. */
export function ask(url: string, { method = 'GET', body, headers, agent }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers: { host: 'localhost', ...headers }, timeout: LIMIT_MS }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${LIMIT_MS} ms`)))
    sent.once('error', reject)
    sent.end(body)
  })
}

/** What the application of the tests answers. */
export interface Told {
  readonly host: string
  readonly version: string
  readonly method: string
  readonly path: string
  readonly scheme: string
  readonly proxy: string
  readonly body: string
}

/** The answer of the application. Throws for any other. */
export function told({ status, body }: Answer): Told {
  if (status !== 200) throw new Error(`${status}: ${body.slice(0, 200)}`)
  return JSON.parse(body) as Told // the application's, which the fixture writes
}

export interface Load {
  /** Requests that were answered by the application. */
  readonly answered: () => number
  /** Of everything else, what it was. */
  readonly failures: readonly string[]
  /** How many each container has answered since the last call. */
  readonly hosts: () => Map<string, number>
  /** Versions that have answered. */
  readonly versions: ReadonlySet<string>
  readonly stop: () => Promise<void>
}

/** A pause after each request: what is asked here is whether one fails, not how many there can be, milliseconds. */
const PAUSE_MS = 10

export interface LoadOptions {
  readonly clients?: number
  /** A POST is repeated by no proxy: whatever is lost is seen. */
  readonly methods?: readonly ('GET' | 'POST')[]
}

/** Clients that ask one request after the other, half of them over kept connections, until they are stopped. */
export function startLoad(url: string, { clients = 8, methods = ['GET', 'POST'] }: LoadOptions = {}): Load {
  const failures: string[] = []
  const versions = new Set<string>()
  let hosts = new Map<string, number>()
  let answered = 0
  let isOver = false
  const kept = new Agent({ keepAlive: true })
  const client = async (index: number): Promise<void> => {
    const agent = index % 4 < 2 ? kept : undefined
    const method = methods[index % methods.length] ?? 'GET'
    const asked = method === 'GET' ? { method } : { method, body: 'a body' }
    while (!isOver) {
      try {
        const { host, version } = told(await ask(url, { ...asked, ...(agent === undefined ? {} : { agent }) }))
        answered += 1
        versions.add(version)
        hosts.set(host, (hosts.get(host) ?? 0) + 1)
      } catch (error) {
        failures.push(`${method}: ${error instanceof Error ? error.message : String(error)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
  const all = Promise.all(Array.from({ length: clients }, (_, index) => client(index)))
  return {
    failures,
    versions,
    answered: () => answered,
    hosts: () => {
      const seen = hosts
      hosts = new Map()
      return seen
    },
    stop: async () => {
      isOver = true
      await all
      kept.destroy()
    },
  }
}
