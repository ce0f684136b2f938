import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

import { reportAnswer } from '../development/report-answer.ts'
import type { FailureReport } from '../development/failure-report.ts'
import { reportedErrors } from '../development/failure-report.ts'
import type { FailedRequest } from '../gateway/failure-page.ts'
import { Changes } from './changes.ts'
import { forward, forwardUpgrade, hasBody } from './forward.ts'
import type { Serving } from './serving.ts'
import type { StaticFiles } from './static-files.ts'
import type { TrustedHosts } from './trusted-hosts.ts'

export interface FrontOptions {
  readonly files: StaticFiles
  /** Bytes; 0: no limit. */
  readonly limitRequestBodyBytes: number
  /** What serves requests of now: waits while new code is loaded. Rejects when the server stops. */
  readonly serving: () => Promise<Serving>
  /** Told of each request when it has ended. */
  readonly onDone: (request: IncomingMessage, response: ServerResponse, ms: number) => void
}

/** How often a request that has not reached its worker is given to the next one. */
const ATTEMPTS = 5

/** Clients see this where there is no page to show. */
const PLAIN = { 'Content-Type': 'text/plain; charset=utf-8' }

/** What clients of a development server meet: it lets requests in, holds them while there is nobody to serve them, and hands them on. */
export class Front {
  readonly changes = new Changes()
  readonly #options: FrontOptions
  readonly #sockets = new Set<Duplex>()

  constructor(options: FrontOptions) {
    this.#options = options
  }

  /**
   * Takes the requests of a server of `node:http` or `node:https`, which need not listen yet. `hosts`: undefined where whoever gets
   * there is trusted, whatever name is used: on a unix socket.
   */
  attach(server: Server, hosts: TrustedHosts | undefined): void {
    // An upload may take as long as it takes.
    server.requestTimeout = 0
    server.on('connection', (socket: Duplex) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const startedAt = performance.now()
      response.once('close', () => {
        if (!Changes.isFor(request)) this.#options.onDone(request, response, performance.now() - startedAt)
      })
      const refusal = hosts?.refusal(request)
      if (refusal !== undefined) {
        response.writeHead(403, PLAIN).end(refusal)
        return
      }
      this.#serve(request, response).catch((error: unknown) => this.#fail(request, response, error))
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // A client that goes away in the middle of it is no error.
      socket.on('error', () => {})
      const refusal = hosts?.refusal(request)
      if (refusal !== undefined) socket.end(plainResponse('403 Forbidden', refusal))
      else this.#upgrade(request, socket, head).catch(() => socket.destroy())
    })
  }

  /** Ends every connection, whatever it carries. */
  close(): void {
    this.changes.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { files, limitRequestBodyBytes, serving } = this.#options
    if (Changes.isFor(request)) {
      this.changes.serve(request, response)
      return
    }
    if (await files.serve(request, response)) return
    if (limitRequestBodyBytes > 0 && Number(request.headers['content-length'] ?? 0) > limitRequestBodyBytes) {
      // The worker would say so too, and then close on a body that is still being sent.
      response.writeHead(413, { ...PLAIN, Connection: 'close' }).end('Content Too Large\n')
      return
    }
    let failure: Error | undefined
    let before: Serving | undefined
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const now = await serving()
      if (response.destroyed) return
      if (now.type === 'failed') {
        this.#explain(request, response, now.report, now.generation)
        return
      }
      // It was the code that has ended its worker, and would do so again.
      if (before?.generation === now.generation) break
      failure = await forward(request, response, now.backend, now.overdue)
      if (failure === undefined || response.destroyed) return
      before = now
      // It may have been done in part.
      if (hasBody(request) || !isSafe(request)) break
    }
    this.#lost(request, response, failure, before?.generation ?? 0)
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const now = await this.#options.serving()
    if (socket.destroyed) return
    const failure = now.type === 'worker' ? await forwardUpgrade(request, socket, head, now.backend) : new Error(now.report.title)
    if (failure !== undefined) socket.end(plainResponse('503 Service Unavailable', `${failure.message}\n`))
  }

  /** The worker has ended before it answered. */
  #lost(request: IncomingMessage, response: ServerResponse, failure: Error | undefined, generation: number): void {
    this.#explain(
      request,
      response,
      {
        status: 502,
        title: 'the application ended before it answered',
        errors: reportedErrors(failure ?? new Error('no answer')),
        advice: isSafe(request)
          ? 'The terminal of tsgi dev says why it ended.'
          : 'The terminal of tsgi dev says why it ended: the code may have changed. The request was not sent again, for it may have been served in part.',
      },
      generation,
    )
  }

  #explain(request: IncomingMessage, response: ServerResponse, report: Omit<FailureReport, 'request'>, generation: number): void {
    if (response.headersSent) {
      response.destroy()
      return
    }
    const { fields, body } = reportAnswer({ ...report, request: shown(request) }, request.headers.accept ?? '', generation)
    response.writeHead(report.status, fields.flat())
    response.end(body)
  }

  /** It stops, or something here is wrong. */
  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#explain(request, response, { status: 503, title: 'the request was not served', errors: reportedErrors(error) }, 0)
  }
}

/** Whether a request may be sent a second time (RFC 9110, section 9.2.1). */
function isSafe({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

function shown({ method = '', url = '', rawHeaders }: IncomingMessage): FailedRequest {
  const headers: [string, string][] = []
  for (let index = 0; index < rawHeaders.length; index += 2) headers.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? ''])
  return { method, target: url, headers, variables: [] }
}

function plainResponse(status: string, text: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`
}
