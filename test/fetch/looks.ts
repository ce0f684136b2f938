/** Looks at a member twice: what is made when it is asked for must be made once. */
export function sameTwice<Key extends string>(object: { readonly [key in Key]: unknown }, key: Key): boolean {
  const first = object[key]
  return first === object[key]
}

/** A body as a form. */
export function formOf(body: Request | Response): Promise<FormData> {
  // Not recommended for a server, says its type; applications use it.
  // oxlint-disable-next-line typescript/no-deprecated
  return body.formData()
}
