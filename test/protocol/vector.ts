import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { concat, latin1, latin1Text } from '../wire/bytes.ts'

/** A golden vector: bytes a peer sends and what a decoder must make of them. test/vectors/README.md tells the format. */
export interface Vector {
  /** File name without its extension. */
  name: string
  /** Where the rule or the bytes come from. */
  source: string
  bytes: Uint8Array
  /** Events in JSON's types; binary data as latin-1 text. Pieces of a body are one event. */
  events: unknown[]
  /** Codes of which one must be thrown behind the events; none: nothing is thrown. */
  errors: string[]
  /** FastCGI: the type of event behind which the server says that it sent END_REQUEST. */
  endRequestAfter: string | undefined
  maxParamsBytes: number | undefined
}

const EXTENSION = '.vector'

/** Reads all vectors of a folder under test/vectors. */
export function readVectors(folder: string): Vector[] {
  const path = fileURLToPath(new URL(`../vectors/${folder}/`, import.meta.url))
  const files = readdirSync(path).filter((file) => file.endsWith(EXTENSION))
  if (files.length === 0) throw new Error(`no vectors in ${folder}`)
  return files.sort().map((file) => parseVector(file.slice(0, -EXTENSION.length), readFileSync(path + file, 'utf8')))
}

/** Parses one vector. Whatever is not understood throws: a vector that is not read as meant proves nothing. */
export function parseVector(name: string, text: string): Vector {
  const vector: Vector = {
    name,
    source: '',
    bytes: new Uint8Array(0),
    events: [],
    errors: [],
    endRequestAfter: undefined,
    maxParamsBytes: undefined,
  }
  const parts: Uint8Array[] = []
  let section = ''
  for (const line of text.split('\n')) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const field = /^([a-z-]+):\s*(.*)$/.exec(line)
    if (field?.[1] !== undefined) {
      section = field[1]
      const value = field[2] ?? ''
      switch (section) {
        case 'source':
          vector.source = value
          break
        case 'error':
          vector.errors = value.split(' or ')
          break
        case 'end-request-after':
          vector.endRequestAfter = value
          break
        case 'max-params-bytes':
          vector.maxParamsBytes = Number(value)
          break
        case 'bytes':
        case 'events':
          if (value !== '') throw new Error(`${name}: ${section} start on the next line`)
          break
        default:
          throw new Error(`${name}: unknown field ${section}`)
      }
    } else if (section === 'bytes') parts.push(parseBytes(line))
    else if (section === 'events') vector.events.push(JSON.parse(line, revive))
    else if (section === 'source') vector.source += ` ${line.trim()}`
    else throw new Error(`${name}: ${JSON.stringify(line)} belongs to nothing`)
  }
  vector.bytes = concat(parts)
  if (vector.source === '' || vector.bytes.length === 0) throw new Error(`${name}: a vector has a source and bytes`)
  return vector
}

/** Hex pairs, `hh*N` for one byte N times, `'text'` for ASCII; `#` starts a comment. */
export function parseBytes(text: string): Uint8Array {
  const parts: Uint8Array[] = []
  const token = /\s*(?:([0-9a-f]{2})\*(\d+)|([0-9a-f]{2})(?![0-9a-f*])|'([^']*)'|(#.*)|$)/y
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const match = token.exec(text)
    if (match === null) throw new Error(`not bytes: ${JSON.stringify(text.slice(at))}`)
    const [, repeated, times, byte, ascii] = match
    if (repeated !== undefined) parts.push(new Uint8Array(Number(times)).fill(Number.parseInt(repeated, 16)))
    else if (byte !== undefined) parts.push(Uint8Array.of(Number.parseInt(byte, 16)))
    else if (ascii !== undefined) parts.push(latin1(ascii))
    else break
  }
  return concat(parts)
}

/** `{"bytes": "61*3 62"}` stands for text that is too long or too odd for JSON. */
function revive(_key: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'bytes' in value && typeof value.bytes === 'string') {
    return latin1Text(parseBytes(value.bytes))
  }
  return value
}
