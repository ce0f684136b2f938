import { encodeVars } from './vars.ts'

/**
 * A uwsgi packet of `[name, value, …]`, latin-1; the body follows as raw bytes.
 * Throws `TSGI_ERR_UWSGI_PACKET` for an empty name or more than 65,535 bytes of variables.
 */
export function encodeUwsgiRequest(
  params: readonly string[],
  options: { modifier1?: number; modifier2?: number } = {},
): Uint8Array {
  const vars = encodeVars(params)
  const bytes = new Uint8Array(4 + vars.length)
  bytes[0] = options.modifier1 ?? 0
  bytes[1] = vars.length
  bytes[2] = vars.length >>> 8
  bytes[3] = options.modifier2 ?? 0
  bytes.set(vars, 4)
  return bytes
}

/** The answer to a ping. */
export const UWSGI_PONG: Uint8Array = Uint8Array.of(100, 0, 0, 1)
