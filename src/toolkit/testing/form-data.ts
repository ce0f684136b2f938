import { randomBytes } from 'node:crypto'
import { lookup } from 'mime-types'

/** A file to be uploaded; a `File` or `Blob` does as well. */
export interface FileInput {
  readonly content: string | Uint8Array | Blob
  readonly filename?: string
  /** By the file's name when left out. */
  readonly contentType?: string
}

export type FieldInput = string | number | boolean
export type FormInput = Readonly<
  Record<string, FieldInput | FileInput | Blob | readonly (FieldInput | FileInput | Blob)[] | undefined>
>

type Part = readonly [name: string, value: FieldInput | FileInput | Blob]

export interface EncodedForm {
  readonly contentType: string
  readonly length: number
  readonly body: AsyncIterable<Uint8Array>
}

/** Fields and files, one by one. */
export function partsOf(form: FormInput): Part[] {
  return Object.entries(form).flatMap(([name, value]): Part[] => {
    if (value === undefined) return []
    return Array.isArray(value) ? (value as readonly Part[1][]).map((each): Part => [name, each]) : [[name, value as Part[1]]]
  })
}

export function hasFiles(parts: readonly Part[]): boolean {
  return parts.some(([, value]) => typeof value === 'object')
}

export function urlencoded(parts: readonly Part[]): string {
  return new URLSearchParams(parts.map(([name, value]): [string, string] => [name, String(value)])).toString()
}

/** RFC 7578, with names as browsers write them. */
export function multipart(parts: readonly Part[]): EncodedForm {
  const boundary = `tsgi-${randomBytes(16).toString('hex')}`
  const pieces: (Uint8Array | Blob)[] = []
  for (const [name, value] of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\n${partHead(name, value)}\r\n`))
    const content = typeof value === 'object' && 'content' in value ? value.content : value
    pieces.push(content instanceof Blob || content instanceof Uint8Array ? content : Buffer.from(String(content)))
    pieces.push(Buffer.from('\r\n'))
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  const length = pieces.reduce((sum, piece) => sum + (piece instanceof Blob ? piece.size : piece.length), 0)
  return { contentType: `multipart/form-data; boundary=${boundary}`, length, body: contentsOf(pieces) }
}

function partHead(name: string, value: Part[1]): string {
  const disposition = `Content-Disposition: form-data; name="${quoted(name)}"`
  if (typeof value !== 'object') return `${disposition}\r\n`
  const { filename, contentType } = describe(value)
  return `${disposition}; filename="${quoted(filename)}"\r\nContent-Type: ${contentType}\r\n`
}

function describe(file: FileInput | Blob): { filename: string; contentType: string } {
  // A File is a Blob with a name.
  const given = file instanceof Blob ? ('name' in file ? String(file.name) : undefined) : file.filename
  const filename = given ?? 'blob'
  const type = file instanceof Blob ? file.type : (file.contentType ?? (file.content instanceof Blob ? file.content.type : ''))
  return { filename, contentType: type === '' ? lookup(filename) || 'application/octet-stream' : type }
}

function quoted(text: string): string {
  return text.replace(/["\r\n]/g, encodeURIComponent)
}

async function* contentsOf(pieces: readonly (Uint8Array | Blob)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece instanceof Blob ? new Uint8Array(await piece.arrayBuffer()) : piece
}
