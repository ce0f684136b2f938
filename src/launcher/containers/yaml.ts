import { stringify } from 'yaml'

/** A document without what is undefined in it. `escaped`: what texts become that the reader would replace something in. */
export function yaml(document: object, escaped: (text: string) => string): string {
  const plain: unknown = JSON.parse(JSON.stringify(document), (_key, value: unknown) =>
    typeof value === 'string' ? escaped(value) : value,
  )
  return stringify(plain, { lineWidth: 0, aliasDuplicateObjects: false })
}
