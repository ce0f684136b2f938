/** The first line of a response head: CGI's Status field (RFC 3875, section 6.3.3) or HTTP's status line. */
export type StatusPrefix = 'Status: ' | 'HTTP/1.1 '

/** The head of a response, latin-1, with the empty line that ends it. Status and headers must have been checked. */
export function encodeResponseHead(
  prefix: StatusPrefix,
  status: string,
  headers: readonly (readonly [name: string, value: string])[],
): string {
  let head = `${prefix}${status}\r\n`
  for (const header of headers) head += `${header[0]}: ${header[1]}\r\n`
  return `${head}\r\n`
}
