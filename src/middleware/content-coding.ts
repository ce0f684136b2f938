import Negotiator from 'negotiator'
import type { Environ } from '../interface/application.ts'

/** Its types are those of an older version, which did not know our own preference among what the client likes equally. */
interface PreferringNegotiator {
  encodings(available: string[], options: { preferred: string[] }): string[]
}

/** Those of these content codings that the client would rather have than none, the best first; of equals the first one (RFC 9110, section 12.5.3). */
export function codingsFor<const Coding extends string>(environ: Environ, codings: readonly Coding[]): Coding[] {
  const accepted = environ.HTTP_ACCEPT_ENCODING
  if (typeof accepted !== 'string') return []
  const negotiator: PreferringNegotiator = new Negotiator({ headers: { 'accept-encoding': accepted } })
  const liked = negotiator.encodings([...codings, 'identity'], { preferred: [...codings] })
  const plain = liked.indexOf('identity')
  return (plain === -1 ? liked : liked.slice(0, plain)).flatMap((each) => codings.find((coding) => coding === each) ?? [])
}
