import { absolute } from '../absolute-path.ts'
import { MIME_TYPES } from '../mime-types.ts'
import type { Site, StaticFiles } from '../site.ts'
import { directive, from, literal, own, section } from './directive.ts'
import type { Argument, Directive, Node } from './directive.ts'
import { RAW_TARGET } from './names.ts'
import { below } from './workers.ts'

/** Names that begin with a dot hold what nobody is to see, `.git` and `.env`; `.well-known` (RFC 8615) is for everyone. */
const HIDDEN = '/\\.(?!well-known/)'

/** No rule further down, and no worker: the file is served. */
const SERVE = '[L,E=no-proxy:1]'

const NOT_FOUND = '[R=404,L]'

export function hasFiles({ documentRoot, aliases }: StaticFiles): boolean {
  return documentRoot !== undefined || aliases.length > 0
}

/** What holds for all files. */
export function fileDirectives(files: StaticFiles): Node[] {
  if (!hasFiles(files)) return []
  const { documentRoot, aliases, directoryIndex, directoryListing } = files
  const folders = [
    ...(documentRoot === undefined ? [] : [from('document-root', openFolder(documentRoot, files))]),
    ...aliases.map(({ path, kind }) => from('url-alias', kind === 'file' ? openFile(path) : openFolder(path, files))),
  ]
  return [
    { comment: 'Files.' },
    ...MIME_TYPES.map(([type, extensions]) => directive('AddType', own(type), ...extensions.split(' ').map((each) => own(each)))),
    directive(
      'AddCharset',
      'utf-8',
      ...MIME_TYPES.filter(([type]) => type.startsWith('text/')).flatMap(([, extensions]) => extensions.split(' ')),
    ),
    { comment: 'Redirects of its own would name this server as it is configured, and not as it was asked for.' },
    directive('DirectorySlash', 'Off'),
    directoryIndex === undefined
      ? directive('DirectoryIndex', 'disabled')
      : from('directory-index', directive('DirectoryIndex', literal(directoryIndex))),
    ...(directoryListing
      ? [
          directive(
            'IndexOptions',
            'FancyIndexing',
            'HTMLTable',
            own('NameWidth=*'),
            'Charset=UTF-8',
            'SuppressIcon',
            'SuppressDescription',
          ),
          directive('IndexIgnore', own('.?'), own('.??*')),
        ]
      : []),
    ...folders,
    { comment: '' },
  ]
}

/** A directory whose files may be served, with all that is in it. */
function openFolder(path: string, { directoryListing }: StaticFiles): Directive {
  return open(below(absolute(path).replace(/\/$/, '')), directoryListing ? ['Indexes'] : [])
}

/** A file that may be served. httpd compares regular expressions of directories with whole paths. */
export function openFile(path: string): Directive {
  return open([own('^'), literal(absolute(path)), own('$')], [])
}

function open(pattern: Argument, options: readonly string[]): Directive {
  return section(
    'DirectoryMatch',
    [pattern],
    [
      directive('Require', 'all', 'granted'),
      directive('AddDefaultCharset', 'utf-8'),
      directive('Options', 'FollowSymLinks', ...options),
    ],
  )
}

/** Aliases, which no worker answers. */
export function aliases({ files }: Site): Node[] {
  return files.aliases.flatMap(({ url, path, kind }) => {
    const bare = url.replace(/\/$/, '')
    return [
      directive('ProxyPass', literal(bare === '' ? '/' : bare), own('!')),
      from(
        'url-alias',
        directive('Alias', literal(bare === '' ? '/' : kind === 'file' ? url : bare), literal(bare === '' ? `${path}/` : path)),
      ),
    ]
  })
}

/** What is to be done with URLs below aliases before httpd looks for their files. */
export function aliasRules(site: Site): Node[] {
  const { files } = site
  const { directoryIndex, directoryListing } = files
  return files.aliases.flatMap(({ url, path, kind }) => {
    const bare = url.replace(/\/$/, '')
    if (kind === 'file')
      return [
        ...onlyRead([own('^'), literal(url), own('$')]),
        from('url-alias', directive('RewriteRule', [own('^'), literal(url), own('$')], own('-'), own('[L]'))),
      ]
    const inside = (rest: string): Argument => [own('^'), literal(bare), own(rest)]
    const onDisk = (rest: string, test: string): Directive =>
      directive('RewriteCond', [literal(`${absolute(path).replace(/\/$/, '')}`), own(rest)], own(test))
    return [
      ...onlyRead(below(bare)),
      from('url-alias', directive('RewriteRule', inside(`(?:/.*)?${HIDDEN}`), own('-'), own(NOT_FOUND))),
      ...toFolder(inside('(|/.*[^/])$'), onDisk('$1', '-d')),
      ...(directoryListing
        ? []
        : [
            ...(directoryIndex === undefined
              ? []
              : [
                  directive(
                    'RewriteCond',
                    [literal(`${absolute(path).replace(/\/$/, '')}`), own('$1'), literal(directoryIndex)],
                    own('!-f'),
                  ),
                ]),
            directive('RewriteRule', inside('(/|/.*/)$'), own('-'), own(NOT_FOUND)),
          ]),
      directive('RewriteRule', below(bare), own('-'), own('[L]')),
    ]
  })
}

/** httpd would answer a POST with the file. */
function onlyRead(pattern: Argument): Directive[] {
  return [
    directive('RewriteCond', own('%{REQUEST_METHOD}'), own('!^(?:GET|HEAD)$')),
    directive('RewriteRule', pattern, own('-'), own('[R=405,L]')),
  ]
}

/** A directory's URL ends in a slash, as the client wrote the rest of it. */
function toFolder(pattern: Argument, isDirectory: Directive): Directive[] {
  return [
    isDirectory,
    directive('RewriteCond', own('%{HTTP_HOST} %{THE_REQUEST}'), own(`^(\\S+) ${RAW_TARGET}`)),
    directive('RewriteRule', pattern, own('%{REQUEST_SCHEME}://%1%2/'), own('[R=301,NE,L]')),
  ]
}

/** Files of the document root go before the application at the root; below other mount points there are none. */
export function documentRootRules(site: Site): Node[] {
  const { documentRoot, directoryIndex, directoryListing } = site.files
  if (documentRoot === undefined) return []
  const others = site.applications.map(({ mountPoint }) => mountPoint).filter((mountPoint) => mountPoint !== '')
  const conditions = [
    ...others.map((mountPoint) => directive('RewriteCond', own('%{REQUEST_URI}'), [own('!'), ...below(mountPoint)])),
    directive('RewriteCond', own('%{REQUEST_URI}'), own(`!${HIDDEN}`)),
  ]
  const file = own('%{DOCUMENT_ROOT}%{REQUEST_URI}')
  const serve = from('document-root', directive('RewriteRule', own('^'), own('-'), own(SERVE)))
  return [
    { comment: 'A file goes before the application.' },
    ...conditions,
    directive('RewriteCond', file, own('-f')),
    ...onlyRead(own('^')),
    ...conditions,
    directive('RewriteCond', file, own('-f')),
    serve,
    ...(directoryIndex === undefined
      ? []
      : [
          ...conditions,
          directive('RewriteCond', own('%{REQUEST_URI}'), own('/$')),
          directive('RewriteCond', [file, literal(directoryIndex)], own('-f')),
          serve,
        ]),
    ...(directoryListing
      ? [
          ...conditions,
          ...toFolder(own('[^/]$'), directive('RewriteCond', file, own('-d'))),
          ...conditions,
          directive('RewriteCond', file, own('-d')),
          from('directory-listing', directive('RewriteRule', own('/$'), own('-'), own(SERVE))),
        ]
      : []),
  ]
}
