import type { Environ, ResponseBody } from '../interface/application.ts'
import { Accept } from './accept.ts'
import { escapeHtml } from './escape-html.ts'
import type { HeadersInit } from './headers.ts'
import { Response } from './response.ts'
import { STATUS_REASONS } from './status-reasons.ts'

export interface HTTPExceptionOptions {
  /** A response in the place of the one that is made of status and description. */
  readonly response?: Response
  /** Further fields of the response. */
  readonly headers?: HeadersInit
  /** For the log; the client sees nothing of it. */
  readonly cause?: unknown
}

/**
 * An error that is an answer: `throw new NotFound()`. `Request.application` and `responder` answer with it, as HTML, or as JSON where
 * the client prefers that. The description is for the client, so write nothing into it that it should not see.
 */
export class HTTPException extends Error {
  /** The status of the response. */
  readonly status: number
  /** What the client is told: one sentence or two. */
  readonly description: string
  readonly #headers: HeadersInit | undefined
  readonly #response: Response | undefined

  constructor(status: number, description?: string, { response, headers, cause }: HTTPExceptionOptions = {}) {
    const reason = STATUS_REASONS[status] ?? 'Unknown Error'
    super(`${status} ${reason}${description === undefined ? '' : `: ${description}`}`, cause === undefined ? {} : { cause })
    this.name = new.target.name
    this.status = status
    this.description = description ?? `${reason}.`
    this.#headers = headers
    this.#response = response
  }

  /** The status, by the name that Werkzeug gives it. */
  get code(): number {
    return this.status
  }

  /** `Not Found`. */
  get reason(): string {
    return STATUS_REASONS[this.status] ?? 'Unknown Error'
  }

  /** Fields that this kind of error adds. */
  getHeaders(): Iterable<readonly [string, string]> {
    return []
  }

  /** The answer: HTML, or JSON where `Accept` of the environ prefers it. */
  getResponse(environ?: Environ): Response {
    if (this.#response !== undefined) return this.#response
    const wanted = environ?.HTTP_ACCEPT
    const accept = new Accept('type', typeof wanted === 'string' ? wanted : undefined)
    const best = accept.bestMatch(['text/html', 'application/json', 'application/problem+json'])
    const response =
      best === undefined || best === 'text/html'
        ? new Response(this.#html(), {
            status: this.status,
            contentType: 'text/html; charset=utf-8',
            headers: this.#headers ?? [],
          })
        : Response.json(this.#problem(), { status: this.status, contentType: best, headers: this.#headers ?? [] })
    for (const [name, value] of this.getHeaders()) response.headers.set(name, value)
    response.headers.addToken('Vary', 'Accept')
    return response
  }

  #html(): ResponseBody {
    const title = escapeHtml(`${this.status} ${this.reason}`)
    const lines = [
      '<!doctype html>',
      '<html lang=en>',
      `<title>${title}</title>`,
      `<h1>${escapeHtml(this.reason)}</h1>`,
      `<p>${escapeHtml(this.description)}</p>`,
    ]
    return `${lines.join('\n')}\n`
  }

  /** The members of RFC 9457. */
  #problem(): { status: number; title: string; detail: string } {
    return { status: this.status, title: this.reason, detail: this.description }
  }
}
