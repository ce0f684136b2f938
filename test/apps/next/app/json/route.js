export function GET() {
  return Response.json({ framework: 'next', list: [1, 2, 3], nested: { text: 'caf\u00e9' } })
}
