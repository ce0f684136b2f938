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
    const way = WAYS[hashOf(Buffer.from(environ.REQUEST_URI)) % WAYS.length]
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
