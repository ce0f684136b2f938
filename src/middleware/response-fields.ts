import type { HeaderPair, StartResponse } from '../interface/application.ts'

/** Gives the application a `startResponse` whose header fields `change` has had its hands on. */
export function withFields(startResponse: StartResponse, change: (fields: HeaderPair[], status: string) => void): StartResponse {
  return (status, headers, excInfo) => {
    // A copy: the list is the application's, which may send it with its next response too.
    const fields = [...headers]
    change(fields, status)
    return startResponse(status, fields, excInfo)
  }
}

/** The value of the first field of this name, given in small letters. */
export function fieldOf(fields: readonly HeaderPair[], name: string): string | undefined {
  return fields.find(([each]) => each.toLowerCase() === name)?.[1]
}

/** Puts one field in the place of all of its name. */
export function setField(fields: HeaderPair[], name: string, value: string): void {
  removeField(fields, name.toLowerCase())
  fields.push([name, value])
}

/** Removes all fields of this name, given in small letters. */
export function removeField(fields: HeaderPair[], name: string): void {
  for (let index = fields.length - 1; index >= 0; index--) {
    if (fields[index]?.[0].toLowerCase() === name) fields.splice(index, 1)
  }
}

/** Adds to `Vary` what it does not name yet (RFC 9110, section 12.5.5). */
export function addVary(fields: HeaderPair[], name: string): void {
  const named = fields.filter(([each]) => each.toLowerCase() === 'vary').flatMap(([, value]) => value.split(','))
  const known = named.map((each) => each.trim().toLowerCase())
  if (known.includes('*') || known.includes(name.toLowerCase())) return
  fields.push(['Vary', name])
}
