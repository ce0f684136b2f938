import { directive, from, literal } from './directive.ts'
import type { Node } from './directive.ts'
import { COMPRESSIBLE } from '../mime-types.ts'

/** A shorter body becomes longer, or nothing is gained, bytes. */
const LEAST_BYTES = 1024

/** nginx leaves alone what has a Content-Encoding already. */
export function compressionDirectives(compress: boolean): Node[] {
  if (!compress) return []
  return [
    { comment: 'Compression.' },
    from('compress-responses', directive('gzip', 'on')),
    directive('gzip_types', ...COMPRESSIBLE.map(literal)),
    directive('gzip_min_length', LEAST_BYTES),
    // For clients that came through another proxy, too, and told apart by caches.
    directive('gzip_proxied', 'any'),
    directive('gzip_vary', 'on'),
    { comment: '' },
  ]
}
