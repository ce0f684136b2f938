async function echo(request) {
  const body = new Uint8Array(await request.arrayBuffer())
  return Response.json({
    method: request.method,
    url: request.nextUrl.pathname + request.nextUrl.search,
    query: Object.fromEntries(request.nextUrl.searchParams),
    headers: Object.fromEntries(request.headers),
    body: new TextDecoder().decode(body),
    bytes: body.length,
  })
}

export { echo as GET, echo as POST, echo as PUT, echo as PATCH, echo as DELETE }
