const ID_PREFIX = `${process.pid.toString(36)}-${Date.now().toString(36)}-`
let lastId = 0

/** Unique on this host: process, its start, a counter. */
export function nextRequestId(): string {
  return ID_PREFIX + ++lastId
}
