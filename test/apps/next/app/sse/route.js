import { events } from '../../../content.mjs'

export const dynamic = 'force-dynamic'

export function GET() {
  return new Response(ReadableStream.from(events()).pipeThrough(new TextEncoderStream()), {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' },
  })
}
