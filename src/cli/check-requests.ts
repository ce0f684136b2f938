import { request } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'

/** From the request to the head of its answer, milliseconds. */
const HEAD_TIMEOUT_MS = 10_000

/** How long an answer is listened to, milliseconds: some never end, and need not. */
const BODY_TIMEOUT_MS = 2000

/** Most bytes of an answer that are read. */
const BODY_BYTES = 4 * 1024 * 1024

/** One request that is sent. */
export interface Probe {
  readonly method: string
  /** The target, the mount point included. */
  readonly target: string
  /** What is special about it, for its name. */
  readonly note?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
  /** The length of the body is not told ahead. */
  readonly chunked?: true
  /** The client goes away as soon as the answer begins. */
  readonly leaves?: true
}

/** What came back. */
export interface ProbeAnswer {
  /** 0: none. */
  readonly status: number
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** Why this is not a whole answer; undefined where it is one, and where nobody waited for all of it. */
  readonly problem: string | undefined
}

const FORM = 'application/x-www-form-urlencoded'

/** What is asked for each path, the conditional request apart. */
export function probesOf(target: string): Probe[] {
  const joint = target.includes('?') ? '&' : '?'
  return [
    { method: 'GET', target },
    { method: 'HEAD', target },
    { method: 'GET', target: `${target}${joint}a=%2F%20%C3%A9&b=&a=2` },
    { method: 'POST', target, note: 'a form', headers: { 'Content-Type': FORM }, body: 'a=1&b=%C3%A9' },
    {
      method: 'POST',
      target,
      note: 'JSON of unknown length',
      headers: { 'Content-Type': 'application/json' },
      body: '{"a":[1,2]}\n{"b":"é"}',
      chunked: true,
    },
    {
      method: 'PUT',
      target,
      note: '300 kB',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: Buffer.alloc(300_000, 'line\n'),
    },
    { method: 'OPTIONS', target },
    { method: 'GET', target, note: 'the client leaves', leaves: true },
    {
      method: 'GET',
      target,
      note: 'asks for a WebSocket',
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    },
  ]
}

/** What is asked once. `mount` is `''` or `'/x'`. */
export function commonProbes(mount: string): Probe[] {
  return [
    { method: 'GET', target: `${mount}/tsgi-check/no-such-path` },
    { method: 'GET', target: `${mount}/a%2Fb//%C3%A9%20%25/..;x` },
    { method: 'GET', target: `${mount}/`, note: 'many header fields', headers: manyFields() },
  ]
}

/** The same request as an answer before allows: for a 304. */
export function conditionalProbe(target: string, { etag, lastModified }: ProbeAnswer): Probe | undefined {
  if (etag === undefined && lastModified === undefined) return undefined
  const headers = {
    ...(etag === undefined ? {} : { 'If-None-Match': etag }),
    ...(lastModified === undefined ? {} : { 'If-Modified-Since': lastModified }),
  }
  return { method: 'GET', target, note: 'if it has changed', headers }
}

function manyFields(): OutgoingHttpHeaders {
  return {
    Accept: 'text/html,*/*;q=0.8',
    'Accept-Encoding': 'gzip, br',
    'Accept-Language': 'de-CH, fr;q=0.5',
    Cookie: 'a=1; b="2"; c',
    Range: 'bytes=0-3',
    Referer: 'http://localhost/x?y=1',
    'X-Latin': 'caf\xe9',
    'X-Twice': ['1', '2'],
  }
}

export function nameOf({ method, target, note }: Probe): string {
  return note === undefined ? `${method} ${target}` : `${method} ${target} (${note})`
}

/** Sends one request on a connection of its own. Never rejects. */
export function ask(port: number, probe: Probe): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    let response: IncomingMessage | undefined
    let status = 0
    let bytes = 0
    const { method, target, headers = {}, body, chunked, leaves } = probe
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      agent: false,
      headers: lengthOf(headers, body, chunked),
    })
    let timer = setTimeout(() => end(`no answer within ${HEAD_TIMEOUT_MS / 1000} s`), HEAD_TIMEOUT_MS)
    const end = (problem?: string): void => {
      clearTimeout(timer)
      const { etag, 'last-modified': lastModified } = response?.headers ?? {}
      resolve({ status, etag, lastModified, problem })
      outgoing.destroy()
    }
    outgoing.on('error', (error) =>
      end(status === 0 ? `no answer: ${error.message}` : `the answer was broken off: ${error.message}`),
    )
    outgoing.on('upgrade', (answer, socket) => {
      status = answer.statusCode ?? 0
      end()
      socket.destroy()
    })
    outgoing.on('response', (answer) => {
      response = answer
      status = answer.statusCode ?? 0
      clearTimeout(timer)
      if (leaves === true) {
        end()
        return
      }
      timer = setTimeout(() => end(), BODY_TIMEOUT_MS)
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > BODY_BYTES) end()
      })
      answer.on('end', () => end())
      answer.on('error', (error) => end(`the answer was broken off after ${bytes} bytes: ${error.message}`))
    })
    outgoing.end(body)
  })
}

function lengthOf(
  headers: OutgoingHttpHeaders,
  body: string | Buffer | undefined,
  chunked: true | undefined,
): OutgoingHttpHeaders {
  if (body === undefined) return headers
  return chunked === true
    ? { ...headers, 'Transfer-Encoding': 'chunked' }
    : { ...headers, 'Content-Length': Buffer.byteLength(body) }
}
