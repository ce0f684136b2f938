import { defineHandler, getQuery } from 'nitro/h3'

export default defineHandler(async (event) => {
  const body = new Uint8Array(await event.req.arrayBuffer())
  return {
    method: event.req.method,
    url: event.req.url,
    query: getQuery(event),
    headers: Object.fromEntries(event.req.headers),
    body: new TextDecoder().decode(body),
    bytes: body.length,
  }
})
