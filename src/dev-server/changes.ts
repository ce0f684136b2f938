import type { IncomingMessage, ServerResponse } from 'node:http'

import { CHANGES_PATH, SINCE } from '../development/live-reload.ts'

/** Error pages that are open at a time and hear of changes: more than anybody has windows. */
const MAX_LISTENERS = 64

/** Tells error pages when there is newer code than theirs, as server-sent events. */
export class Changes {
  readonly #listeners = new Map<ServerResponse, number>()
  #generation = 0

  /** Whether a request is for this and not for the application. */
  static isFor({ url = '' }: IncomingMessage): boolean {
    return url.startsWith(`${CHANGES_PATH}?`)
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const since = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get(SINCE))
    if (this.#listeners.size >= MAX_LISTENERS) {
      // 204 tells an EventSource not to come back.
      response.writeHead(204).end()
      return
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write('retry: 500\n\n')
    this.#listeners.set(response, since)
    response.once('close', () => this.#listeners.delete(response))
    this.#tell()
  }

  /** This generation is served now, or has failed. */
  settled(generation: number): void {
    this.#generation = generation
    this.#tell()
  }

  close(): void {
    for (const response of this.#listeners.keys()) response.end()
  }

  #tell(): void {
    for (const [response, since] of this.#listeners) if (since < this.#generation) response.end(`data: ${this.#generation}\n\n`)
  }
}
