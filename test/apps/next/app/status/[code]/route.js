export async function GET(request, { params }) {
  const code = Number((await params).code)
  return new Response([204, 205, 304].includes(code) ? null : `status ${code}\n`, { status: code })
}
