/** Answers with JSON, in one piece. */
export function json(res, value, statusCode = 200) {
  const text = `${JSON.stringify(value)}\n`
  res.writeHead(statusCode, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
  res.end(text)
}

/** What an attempt came to: its code where it failed, else what it gave. */
export function attempt(body) {
  try {
    const value = body()
    return value === undefined || typeof value === 'object' || typeof value === 'function' ? 'done' : value
  } catch (error) {
    return error.code ?? error.name
  }
}

/** The whole body of a request. */
export async function readAll(req) {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks)
}
