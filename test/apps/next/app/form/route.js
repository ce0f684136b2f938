export async function POST(request) {
  return Response.json({ got: Object.fromEntries(await request.formData()) })
}
