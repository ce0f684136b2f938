import { request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'

import { requestFields, responseFields } from './forwarded-fields.ts'

/** Where a worker listens. */
export type Backend = { readonly socketPath: string } | { readonly host: string; readonly port: number }

/**
 * Sends a request to a worker, and the worker's response to the client. Resolves when the head of the response is on its way, or
 * with what went wrong before that: nothing has been sent then. What breaks later ends the client's connection, so that it shows.
 * `overdue`: gives up waiting for the head.
 */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  backend: Backend,
  overdue: AbortSignal,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const outgoing = begin(request, backend, undefined)
    const leave = (): void => void outgoing.destroy()
    response.once('close', leave)
    const giveUp = (): void => void outgoing.destroy(new Error('the code has changed, and this was not answered'))
    overdue.addEventListener('abort', giveUp, { once: true })
    outgoing.on('information', ({ statusCode, headers }) => {
      if (statusCode !== 103 || typeof headers['link'] !== 'string') return
      try {
        response.writeEarlyHints({ link: headers['link'] })
      } catch {
        // Only a hint, and one that Node does not take for such.
      }
    })
    outgoing.on('response', (incoming) => {
      overdue.removeEventListener('abort', giveUp)
      try {
        response.sendDate = false
        response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, responseFields(incoming))
      } catch (error) {
        // Node writes less than it reads.
        outgoing.destroy()
        resolve(error instanceof Error ? error : new Error(String(error)))
        return
      }
      // The first chunk may come much later than the head.
      response.flushHeaders()
      incoming.once('end', () => {
        for (const [name, value] of Object.entries(incoming.trailers)) response.addTrailers({ [name]: value ?? '' })
      })
      pipeline(incoming, response, () => {})
      resolve(undefined)
    })
    outgoing.on('error', (error) => {
      response.off('close', leave)
      overdue.removeEventListener('abort', giveUp)
      resolve(error)
    })
    // An unread body would be piped to nobody when the worker has answered; `pipe` lets go by itself when the stream closes.
    if (hasBody(request)) request.pipe(outgoing)
    else outgoing.end()
  })
}

/**
 * The same for a request that changes the protocol: from there on what each side says is the other's. `head`: what came behind the
 * request. Resolves with what went wrong before the worker has answered.
 */
export function forwardUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  backend: Backend,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const outgoing = begin(request, backend, request.headers.upgrade ?? '')
    socket.once('close', () => outgoing.destroy())
    outgoing.on('upgrade', (incoming, upstream, upstreamHead) => {
      socket.write(headOf(incoming, incoming.rawHeaders))
      if (upstreamHead.length > 0) socket.write(upstreamHead)
      if (head.length > 0) upstream.write(head)
      pipeline(socket, upstream, () => socket.destroy())
      pipeline(upstream, socket, () => upstream.destroy())
      resolve(undefined)
    })
    // The application does not want to: an ordinary response, the last of this connection.
    outgoing.on('response', (incoming) => {
      socket.write(headOf(incoming, [...responseFields(incoming), 'Connection', 'close']))
      pipeline(incoming, socket, () => {})
      resolve(undefined)
    })
    outgoing.on('error', (error) => resolve(error))
    outgoing.end()
  })
}

/** Whether the worker gets a body: what has none can be sent once more. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function begin(request: IncomingMessage, backend: Backend, upgrade: string | undefined): ClientRequest {
  return httpRequest({
    ...backend,
    method: request.method,
    path: request.url,
    headers: requestFields(request, upgrade),
    // A connection of its own each time, closed behind the response: one that a worker has kept may be the one that it just closes.
    agent: false,
    setHost: false,
  })
}

function headOf({ statusCode, statusMessage }: IncomingMessage, fields: readonly string[]): Buffer {
  let head = `HTTP/1.1 ${statusCode ?? 502} ${statusMessage ?? ''}\r\n`
  for (let index = 0; index < fields.length; index += 2) head += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`
  return Buffer.from(`${head}\r\n`, 'latin1')
}
