/** Bytes as a vector has them (test/vectors/README.md): text of ASCII in quotes, a byte many times as `hh*N`, the rest in hexadecimal. */
export function vectorText(source: string, bytes: Uint8Array): string {
  const lines: string[] = []
  let line = ''
  for (let at = 0; at < bytes.length;) {
    const { token, length } = tokenAt(bytes, at)
    at += length
    if (line.length + token.length > 110) {
      lines.push(line)
      line = ''
    }
    line += ` ${token}`
    // A line of its own for each line, where there are any.
    if (token.endsWith('0a')) {
      lines.push(line)
      line = ''
    }
  }
  if (line !== '') lines.push(line)
  return `source: ${source}\nbytes:\n${lines.map((each) => ` ${each}`).join('\n')}\n`
}

function tokenAt(bytes: Uint8Array, at: number): { token: string; length: number } {
  const byte = bytes[at] ?? 0
  let times = 1
  while (bytes[at + times] === byte) times++
  if (times > 8) return { token: `${byte.toString(16).padStart(2, '0')}*${times}`, length: times }
  let end = at
  while (end < bytes.length && end - at < 80 && isPlain(bytes[end] ?? 0)) end++
  if (end > at) return { token: `'${Buffer.from(bytes.subarray(at, end)).toString('latin1')}'`, length: end - at }
  return { token: byte.toString(16).padStart(2, '0'), length: 1 }
}

/** Text that the format can quote. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== 0x27
}
