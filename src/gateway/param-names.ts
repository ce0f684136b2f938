/** Sequences of parameter names, `[name, value, …]`: those of two requests that came the same way differ in nothing but values. */

/** Whether `params` has exactly these names, in this order. */
export function hasNames(params: readonly string[], names: readonly string[]): boolean {
  if (params.length !== 2 * names.length) return false
  // The decoders give the same string for the same name: these comparisons look at addresses.
  for (let index = 0; index < names.length; index++) {
    if (params[2 * index] !== names[index]) return false
  }
  return true
}

/** Tells sequences apart well enough to find one; `hasNames` makes sure. */
export function hashNames(params: readonly string[]): number {
  let hash = params.length
  for (let index = 0; index < params.length; index += 2) {
    const name = params[index] ?? ''
    hash = (Math.imul(hash, 31) + name.length * 256 + name.charCodeAt(name.length >> 1)) | 0
  }
  return hash
}

/** Names that may stand in source text as they are. */
export const PLAIN_NAME = /^[A-Z][A-Z0-9_]*$/
