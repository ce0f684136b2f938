/** A number that bytes always give again (FNV-1a): what is done by chance with an input is done again when it is put in again. */
export function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
