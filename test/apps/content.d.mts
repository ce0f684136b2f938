export const LONG_TEXT: string
export const LONG_VALUE: string
export const LATIN_VALUE: string
export const ETAG: string
export const SESSION_SECRET: string
export function chunks(): AsyncGenerator<string>
export function events(): AsyncGenerator<string>
export function fails(): AsyncGenerator<string>
export function big(bytes: number): Generator<Buffer>
export function describeFile(
  field: string,
  name: string,
  type: string,
  bytes: Uint8Array,
): { field: string; name: string; type: string; size: number; sha256: string }
export function delay(ms: number): Promise<void>
