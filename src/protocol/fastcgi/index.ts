export { FastcgiDecoder } from './decoder.ts'
export type { FastcgiEvent, FastcgiLimits } from './decoder.ts'
export {
  encodeAbortRequest,
  encodeBeginRequest,
  encodeEndRequest,
  encodeGetValues,
  encodeGetValuesResult,
  encodeParams,
  encodeStderr,
  encodeStdin,
  encodeStdout,
  encodeUnknownType,
} from './encoder.ts'
export {
  END_REQUEST_BYTES,
  FCGI_HEADER_BYTES,
  FCGI_MAX_CONTENT_BYTES,
  KEEP_CONNECTION,
  ProtocolStatus,
  RecordType,
  Role,
  writeEndRequest,
  writeRecordHeader,
} from './records.ts'
