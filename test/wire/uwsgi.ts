import { concat, latin1 } from './bytes.ts'

/** `u16le length, bytes`, for each name and each value. */
export function uwsgiVars(params: readonly string[]): Uint8Array {
  return concat(
    params.flatMap((text) => {
      const bytes = latin1(text)
      return [u16le(bytes.length), bytes]
    }),
  )
}

/** `u8 modifier1 | u16le size | u8 modifier2 | block`. `size` may lie, for malformed packets. */
export function uwsgiPacket(
  block: Uint8Array,
  options: { modifier1?: number; modifier2?: number; size?: number } = {},
): Uint8Array {
  const { modifier1 = 0, modifier2 = 0, size = block.length } = options
  return concat([Uint8Array.of(modifier1), u16le(size), Uint8Array.of(modifier2), block])
}

/** A whole request: the packet with its variables, then the raw body. */
export function uwsgiRequest(params: readonly string[], body: Uint8Array = new Uint8Array(0)): Uint8Array {
  return concat([uwsgiPacket(uwsgiVars(params)), body])
}

function u16le(value: number): Uint8Array {
  if (value < 0 || value > 0xffff) throw new RangeError(`${value} does not fit 16 bits`)
  return Uint8Array.of(value & 0xff, value >> 8)
}
