/** A request as a reader of the whole input finds it: written for these tests alone, plain and slow, from the specifications. */
export interface SentRequest {
  /** `[name, value, …]`, latin-1. */
  readonly params: readonly string[]
  /** What there is of its body. */
  readonly body: Uint8Array
  /** Its body is all there. */
  readonly complete: boolean
}

/** The value of a variable, undefined where there is none. */
export function valueOf(params: readonly string[], name: string): string | undefined {
  const index = params.findIndex((each, at) => at % 2 === 0 && each === name)
  return index === -1 ? undefined : params[index + 1]
}

/** A length of digits alone; 0 for none; undefined for what is no length. */
export function lengthOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return 0
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}
