import { fails } from '../../../content.mjs'

export const dynamic = 'force-dynamic'

export function GET() {
  return new Response(ReadableStream.from(fails()).pipeThrough(new TextEncoderStream()), {
    headers: { 'Content-Type': 'text/plain' },
  })
}
