import { beforeEach } from 'vitest'
import { fetchHandler } from '../../src/adapters/fetch-application.ts'
import type { FetchEnv } from '../../src/adapters/fetch-env.ts'
import type { ServerOptions } from '../../src/server/server.ts'
import { over, type Bench, type OverOptions, type Way } from '../conformance/bench.ts'

/** What an application is called with. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void
  passThroughOnException(): void
}
export type Fetch = (request: Request, env: FetchEnv, context: Context) => unknown

/** A handler whose application each test chooses. */
export class Chosen {
  fetch: Fetch | undefined

  readonly handler: ServerOptions['handler'] = fetchHandler({
    fetch: (request: Request, env: FetchEnv, context: Context) => {
      if (this.fetch === undefined) throw new Error('the test has chosen no application')
      // Some tests return what is no Response.
      return this.fetch(request, env, context) as Response
    },
  })
}

/** Registers the same tests for each way; `use` chooses the fetch application for what follows. */
export function overFetch(
  ways: readonly Way[],
  title: string,
  body: (bench: Bench, use: (fetch: Fetch) => void) => void,
  options: OverOptions = {},
): void {
  for (const way of ways) {
    const chosen = new Chosen()
    over(
      [way],
      title,
      (bench) => {
        beforeEach(() => {
          chosen.fetch = undefined
        })
        body(bench, (fetch) => {
          chosen.fetch = fetch
        })
      },
      { ...options, server: { ...options.server, handler: chosen.handler } },
    )
  }
}
