import { block, directive, from, literal, variable } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { entry, NONE } from './names.ts'
import { MIME_TYPES, mimeTypeOf, TEXT_TYPES } from '../mime-types.ts'
import type { StaticFiles } from '../site.ts'

/** Names that begin with a dot hold what nobody is to see, `.git` and `.env`; `.well-known` (RFC 8615) is for everyone. */
const HIDDEN = '~/\\.(?!well-known/)'

/** A directory that there is not. */
const NOWHERE = '/.tsgi-none'

/** An error page is another URL in the same request, for which nginx would go by the first one's value. */
const ANEW = directive('volatile')

export function hasFiles({ documentRoot, aliases }: StaticFiles): boolean {
  return documentRoot !== undefined || aliases.length > 0
}

/** What the `http` block needs for files. */
export function fileDirectives(files: StaticFiles): Node[] {
  if (!hasFiles(files)) return []
  const { documentRoot, directoryIndex, directoryListing } = files
  return [
    { comment: 'Files.' },
    block(
      'types',
      [],
      MIME_TYPES.flatMap(([type, extensions]) =>
        extensions.split(' ').map((extension) => entry(literal(type), literal(extension))),
      ),
    ),
    directive('default_type', 'application/octet-stream'),
    directive('charset_types', ...TEXT_TYPES.map(literal)),
    directive('sendfile', 'on'),
    directive('tcp_nopush', 'on'),
    ...(documentRoot === undefined
      ? []
      : [
          { comment: 'The file that a URL means, unless its name begins with a dot; empty: none, which no file is called.' },
          block(
            'map',
            [variable('uri'), variable('tsgi_file')],
            [
              ANEW,
              entry('default', variable('uri')),
              entry(literal(HIDDEN), NONE),
              ...(directoryIndex === undefined ? [] : [entry(literal('~/$'), [variable('uri'), literal(directoryIndex)])]),
            ],
          ),
          ...(directoryListing
            ? [
                block(
                  'map',
                  [variable('uri'), variable('tsgi_folder')],
                  [ANEW, entry('default', variable('uri')), entry(literal(HIDDEN), literal(NOWHERE))],
                ),
              ]
            : []),
        ]),
    { comment: '' },
  ]
}

/** Within the location of an application at the root: a file goes first, `fallback` is asked where there is none. */
export function documentRootDirectives({ documentRoot, directoryListing }: StaticFiles, fallback: string): Node[] {
  if (documentRoot === undefined) return []
  return [
    from('document-root', directive('root', literal(documentRoot))),
    directive('charset', 'utf-8'),
    ...(directoryListing ? [from('directory-listing', directive('autoindex', 'on')), directive('index', 'tsgi-none')] : []),
    directive(
      'try_files',
      variable('tsgi_file'),
      ...(directoryListing ? [[variable('tsgi_folder'), literal('/')]] : []),
      fallback,
    ),
  ]
}

/** A location for each alias. `inside`: what else they hold. */
export function aliasLocations(files: StaticFiles, inside: (url: string) => Node[]): Directive[] {
  return files.aliases.flatMap(({ url, path, kind }) => {
    const bare = url.replace(/\/$/, '')
    const own = inside(url)
    if (kind === 'file') {
      return [
        from(
          'url-alias',
          block(
            'location',
            ['=', literal(url)],
            [
              ...own,
              // nginx goes by the URL, which may say something else.
              block('types', [], []),
              directive('default_type', literal(mimeTypeOf(path))),
              directive('charset', 'utf-8'),
              directive('alias', literal(path)),
            ],
          ),
        ),
      ]
    }
    const { directoryIndex, directoryListing } = files
    const folder = block(
      'location',
      ['^~', literal(`${bare}/`)],
      [
        ...own,
        directive('charset', 'utf-8'),
        // Both end in a slash, so that nothing beside the directory can be reached.
        directive('alias', literal(`${path.replace(/\/$/, '')}/`)),
        directive('index', directoryIndex === undefined ? 'tsgi-none' : literal(directoryIndex)),
        ...(directoryListing ? [from('directory-listing', directive('autoindex', 'on'))] : []),
        block('location', ['~', literal(HIDDEN.slice(1))], [directive('return', 404)]),
        ...(directoryIndex === undefined && !directoryListing
          ? [block('location', ['~', literal('/$')], [directive('return', 404)])]
          : []),
      ],
    )
    return bare === ''
      ? [from('url-alias', folder)]
      : [
          from(
            'url-alias',
            block(
              'location',
              ['=', literal(bare)],
              [...own, directive('return', 301, [literal(`${encodeURI(bare)}/`), variable('is_args'), variable('args')])],
            ),
          ),
          from('url-alias', folder),
        ]
  })
}
