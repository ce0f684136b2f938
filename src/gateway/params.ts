/** The value of a parameter, undefined when it is not there. */
export function findParam(params: readonly string[], name: string): string | undefined {
  for (let index = 0; index < params.length; index += 2) {
    if (params[index] === name) return params[index + 1]
  }
  return undefined
}
