import { chunks } from '../../../content.mjs'

export const dynamic = 'force-dynamic'

export function GET() {
  return new Response(ReadableStream.from(chunks()).pipeThrough(new TextEncoderStream()), {
    headers: { 'Content-Type': 'text/plain' },
  })
}
