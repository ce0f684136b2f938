export { ScgiDecoder } from './decoder.ts'
export type { ScgiEvent } from './decoder.ts'
export { encodeScgiRequest } from './encoder.ts'
export { decodeHeaders, encodeHeaders } from './headers.ts'
