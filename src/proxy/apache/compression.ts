import { COMPRESSIBLE } from '../mime-types.ts'
import { directive, from, own } from './directive.ts'
import type { Node } from './directive.ts'

/** mod_deflate leaves alone what has a Content-Encoding already, and tells caches that it did so. */
export function compressionDirectives(compress: boolean): Node[] {
  if (!compress) return []
  return [
    from(
      'compress-responses',
      directive('AddOutputFilterByType', 'DEFLATE', 'text/html', ...COMPRESSIBLE.map((type) => own(type))),
    ),
    { comment: '' },
  ]
}
