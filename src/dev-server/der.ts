/**
 * The few forms of ASN.1's distinguished encoding that a certificate is made of (ITU-T X.690). Each function gives one element: tag,
 * length, content.
 */

export function sequence(...elements: readonly Buffer[]): Buffer {
  return element(0x30, ...elements)
}

export function set(...elements: readonly Buffer[]): Buffer {
  return element(0x31, ...elements)
}

/** Not negative; most significant byte first. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const significant = bytes.subarray(start)
  // The highest bit is the sign.
  return element(0x02, ...((significant[0] ?? 0) >= 0x80 ? [Buffer.of(0)] : []), Buffer.from(significant))
}

export function octetString(content: Buffer): Buffer {
  return element(0x04, content)
}

/** `unused`: bits at the end of the last byte that do not count. */
export function bitString(content: Buffer, unused = 0): Buffer {
  return element(0x03, Buffer.of(unused), content)
}

export function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.of(value ? 0xff : 0))
}

export function utf8String(text: string): Buffer {
  return element(0x0c, Buffer.from(text))
}

/** `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(0x06, ...[first * 40 + second, ...rest].map(base128))
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280, section 4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = `${date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '')}`
  const short = date.getUTCFullYear() < 2050
  return element(short ? 0x17 : 0x18, Buffer.from(short ? digits.slice(2) : digits))
}

/** `[number]`: of one that holds others, or of one that stands for a plain one. */
export function tagged(number: number, content: Buffer, holds: boolean): Buffer {
  return element((holds ? 0xa0 : 0x80) + number, content)
}

function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.of(0x80 + bytes.length, ...bytes)
}

/** Seven bits a byte, the highest bit set on all but the last. */
function base128(value: number): Buffer {
  const bytes = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 + (rest % 128))
  return Buffer.from(bytes)
}
