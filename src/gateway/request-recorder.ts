import type { RequestInput } from './input.ts'
import type { Transport } from './transport.ts'

/** Keeps some requests with their responses. */
export interface RequestRecorder {
  /** Undefined: this request is not kept. `mountPoint`: `''` or `'/x'`. */
  begin(mountPoint: string, params: readonly string[], transport: Transport): Recording | undefined
}

/** One request that is kept: stands between the exchange and its connection, and sees both bodies go by. */
export interface Recording extends Transport {
  readonly input: RequestInput
}
