export { Modifier, UwsgiDecoder } from './decoder.ts'
export type { UwsgiEvent } from './decoder.ts'
export { encodeUwsgiRequest, UWSGI_PONG } from './encoder.ts'
export { decodeVars, encodeVars, UWSGI_MAX_VARS_BYTES } from './vars.ts'
