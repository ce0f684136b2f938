import type { RequestListener } from 'node:http'
import type { Application, Environ } from '../../../src/interface/application.ts'
import { hashOf } from './hash.ts'

/** What an application was asked, and what it has read of the body. */
export interface Asked {
  readonly environ: Readonly<Record<string, unknown>>
  readonly pieces: Uint8Array[]
  /** The body has come to its end. */
  complete: boolean
}

/** Applications behave in these ways; the request's target tells which one. */
const WAYS = ['reads all', 'reads a piece', 'reads nothing', 'streams', 'throws', 'answers later'] as const

/** An application that writes down all that it is asked, and answers in one way or another. */
export function askedApplication(asked: Asked[]): Application {
  return async (environ, startResponse) => {
    const way = wayOf(environ.REQUEST_URI)
    const request: Asked = { environ: { ...environ }, pieces: [], complete: false }
    asked.push(request)
    if (way === 'throws') throw new Error('as it is meant to')
    if (way === 'reads all' || way === 'streams') await readBody(environ, request, Infinity)
    if (way === 'reads a piece') await readBody(environ, request, 1)
    if (way === 'answers later') await new Promise((resolve) => setImmediate(resolve))
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return way === 'streams' ? chunks() : 'ok'
  }
}

/** The same as a listener of `node:http`. It is told a target without a host. */
export function askedListener(asked: Asked[]): RequestListener {
  return (incoming, response) => {
    const { method, url = '' } = incoming
    const request: Asked = { environ: { REQUEST_METHOD: method, REQUEST_URI: url }, pieces: [], complete: false }
    asked.push(request)
    const way = wayOf(url)
    if (way === 'throws') throw new Error('as it is meant to')
    const answer = (): void => void response.end('ok')
    incoming.on('error', () => {})
    if (way === 'reads all' || way === 'streams') {
      incoming.on('data', (piece: Buffer) => request.pieces.push(Uint8Array.from(piece)))
      incoming.on('end', () => {
        request.complete = true
        answer()
      })
    } else if (way === 'reads a piece') {
      incoming.once('data', (piece: Buffer) => {
        request.pieces.push(Uint8Array.from(piece))
        incoming.off('end', answer)
        answer()
      })
      incoming.once('end', answer)
    } else if (way === 'answers later') setImmediate(answer)
    else answer()
  }
}

/** The same as a fetch application. It is told a URL that is made of the target, which is another text than that. */
export function askedFetch(asked: Asked[]): (request: globalThis.Request) => Promise<globalThis.Response> {
  return async (incoming) => {
    const request: Asked = { environ: { REQUEST_METHOD: incoming.method }, pieces: [], complete: false }
    asked.push(request)
    const way = wayOf(incoming.url)
    if (way === 'throws') throw new Error('as it is meant to')
    if (way === 'answers later') await new Promise((resolve) => setImmediate(resolve))
    if (way === 'reads all' || way === 'streams') {
      const body = new Uint8Array(await incoming.arrayBuffer())
      if (body.length > 0) request.pieces.push(body)
      // Those of GET and HEAD are not given.
      request.complete = incoming.body !== null
    }
    return new globalThis.Response(way === 'streams' ? 'b'.repeat(3000) : 'ok')
  }
}

function wayOf(target: string): (typeof WAYS)[number] | undefined {
  return WAYS[hashOf(Buffer.from(target)) % WAYS.length]
}

async function readBody(environ: Environ, request: Asked, most: number): Promise<void> {
  for (let count = 0; count < most; count++) {
    const piece = await environ['tsgi.input'].read(1000)
    if (piece.length === 0) {
      request.complete = true
      return
    }
    request.pieces.push(piece.slice())
  }
}

async function* chunks(): AsyncGenerator<string> {
  for (const chunk of ['a', 'b'.repeat(3000), 'c']) {
    yield chunk
    await new Promise((resolve) => setImmediate(resolve))
  }
}
