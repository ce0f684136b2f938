/**
 * What a body may have beside its iterator: it is read into memory of the server's, which is used again when it has been sent.
 * A server that knows nothing of it iterates, and so does whatever stands in between.
 */
export const READ_INTO = Symbol.for('tsgi.readInto')

export interface ReadableInto {
  /** Reads on, at most as much as there is room. Resolves with the number of bytes, 0 at the end. One call at a time. */
  [READ_INTO](target: Uint8Array): Promise<number>
}

export function isReadableInto(body: object): body is ReadableInto {
  return READ_INTO in body
}
