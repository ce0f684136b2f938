import { block, directive, literal, variable } from './directive.ts'
import type { Node } from './directive.ts'
import { entry, NONE } from './names.ts'
import type { Site } from '../site.ts'

/** Not empty for a path that an application may read in another way than nginx does. */
export const TWO_READINGS = 'tsgi_two_readings'

/** A segment of dots, encoded or not, or a backslash, which URL parsers take for a slash. Browsers resolve them; the query is free. */
const AMBIGUOUS = '~*^[^?]*(?:\\\\|(?:/|%2f)(?:\\.|%2e){1,2}(?:[/?#]|%2f|$))'

/**
 * For the `http` block. nginx resolves `/secret/../open` and picks the rules for `/open`, while applications get what the client
 * sent and may find their `/secret` in it. Where rules differ by URL, such a path must not have the more lenient one.
 */
export function twoReadingsMap({ authentication, tls }: Site): Node[] {
  const exempt = authentication?.exempt.length ?? 0
  const demanded = tls?.clients?.urls.length ?? 0
  if (exempt + demanded === 0) return []
  return [
    { comment: 'Paths that an application may read in another way than nginx.' },
    block('map', [variable('request_uri'), variable(TWO_READINGS)], [entry('default', NONE), entry(literal(AMBIGUOUS), '1')]),
    { comment: '' },
  ]
}

/** Within the location of an application that is exempt from a rule. */
export function refuseTwoReadings(): Node {
  return block('if', [variable(TWO_READINGS)], [directive('return', 400)])
}
