export const dynamic = 'force-dynamic'

export function GET() {
  globalThis.release()
  return new Response('released\n')
}
