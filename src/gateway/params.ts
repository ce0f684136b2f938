/** The value of a parameter, undefined when it is not there. */
export function findParam(params: readonly string[], name: string): string | undefined {
  for (let index = 0; index < params.length; index += 2) {
    if (params[index] === name) return params[index + 1]
  }
  return undefined
}

/** Changes the value of a parameter that is there. */
export function setParam(params: string[], name: string, value: string): void {
  for (let index = 0; index < params.length; index += 2) {
    if (params[index] !== name) continue
    params[index + 1] = value
    return
  }
}
