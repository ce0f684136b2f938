import { lookup } from 'mime-types'
import { withCharset } from './media-type.ts'

/** What has been looked up: a few, and a limit for who makes names up. */
const TYPES = new Map<string, string>()
const MAX_TYPES = 256

/** Types by the extension of a name; text is UTF-8. */
export function fileType(name: string): string {
  const dot = name.lastIndexOf('.')
  const extension = dot === -1 ? '' : name.slice(dot)
  const known = TYPES.get(extension)
  if (known !== undefined) return known
  const found = lookup(extension)
  const type = withCharset(found === false ? 'application/octet-stream' : found)
  if (TYPES.size < MAX_TYPES) TYPES.set(extension, type)
  return type
}
