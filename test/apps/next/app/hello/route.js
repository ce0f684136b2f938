export const dynamic = 'force-dynamic'

export function GET() {
  return new Response('Hello from Next.js\n', { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
