/** The parts of a multipart body that is all there; undefined when it is none. */
export function parseMultipart(body, contentType) {
  const boundary = /^multipart\/form-data;.*boundary=(?:"([^"]+)"|([^;]+))/.exec(contentType)
  if (boundary === null) return undefined
  const mark = Buffer.from(`--${boundary[1] ?? boundary[2]}`)
  const parts = []
  let start = body.indexOf(mark)
  while (start !== -1) {
    const headStart = start + mark.length + 2
    const next = body.indexOf(mark, headStart)
    if (next === -1) return parts
    const headEnd = body.indexOf('\r\n\r\n', headStart)
    const head = body.toString('utf8', headStart, headEnd)
    const name = /[; ]name="([^"]*)"/.exec(head)?.[1]
    const filename = /filename="([^"]*)"/.exec(head)?.[1]
    parts.push({ name, filename, data: body.subarray(headEnd + 4, next - 2) })
    start = next
  }
  return undefined
}
