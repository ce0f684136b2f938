export default defineEventHandler(async (event) => {
  const body = ['GET', 'HEAD', 'OPTIONS'].includes(event.method) ? undefined : await readRawBody(event, false)
  return {
    method: event.method,
    url: event.path,
    query: getQuery(event),
    headers: getRequestHeaders(event),
    body: body?.toString() ?? '',
    bytes: body?.length ?? 0,
  }
})
