/** The first line of a response head: CGI's Status field (RFC 3875, section 6.3.3) or HTTP's status line. */
export type StatusPrefix = 'Status: ' | 'HTTP/1.1 '

/** One field line of a response head, latin-1. Name and value must have been checked. */
export function fieldLine(name: string, value: string): string {
  return `${name}: ${value}\r\n`
}

/** The head of a response, latin-1, with the empty line that ends it. `fields` are field lines, each with its line end. */
export function encodeResponseHead(prefix: StatusPrefix, status: string, fields: string): string {
  return `${prefix}${status}\r\n${fields}\r\n`
}
