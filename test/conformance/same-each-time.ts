import { expect } from 'vitest'
import type { WireRequest } from '../wire/request.ts'
import { expectComplete, type Bench } from './bench.ts'

/** More than a server needs to find that a request looks like those before it. */
const TIMES = 20

/** Differ from one request to the next. */
const OWN = ['tsgi.request_id', 'REMOTE_PORT', 'TSGI_REQUEST_ID', 'UNIQUE_ID']

/**
 * The environ that the application (test/fixtures/apps/echo-environ.ts) was given. The same request is sent again and again:
 * a server that remembers what it has seen must not come to another result than it did the first time.
 */
export async function sameEachTime(bench: Bench, request: WireRequest): Promise<Record<string, unknown>> {
  let first: Record<string, unknown> | undefined
  for (let time = 1; time <= (bench.way.proxied ? 2 : TIMES); time++) {
    const answer = await bench.send(request)
    expectComplete(answer)
    const environ = JSON.parse(answer.text) as Record<string, unknown>
    first ??= environ
    expect(withoutOwn(environ), `request ${time}`).toEqual(withoutOwn(first))
  }
  return first ?? {}
}

function withoutOwn(environ: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(environ).filter(([name]) => !OWN.includes(name)))
}
