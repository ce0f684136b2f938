/**
 * The media types of files by their extensions, separated by spaces. What web applications serve; registered names
 * (iana.org/assignments/media-types), and RFC 9239 for JavaScript.
 */
export const MIME_TYPES: readonly (readonly [type: string, extensions: string])[] = [
  ['text/html', 'html htm shtml'],
  ['text/css', 'css'],
  ['text/javascript', 'js mjs'],
  ['text/plain', 'txt log'],
  ['text/csv', 'csv'],
  ['text/markdown', 'md'],
  ['text/calendar', 'ics'],
  ['text/vtt', 'vtt'],
  ['text/xml', 'xml'],
  ['application/json', 'json map'],
  ['application/manifest+json', 'webmanifest'],
  ['application/ld+json', 'jsonld'],
  ['application/atom+xml', 'atom'],
  ['application/rss+xml', 'rss'],
  ['application/xhtml+xml', 'xhtml'],
  ['application/wasm', 'wasm'],
  ['application/pdf', 'pdf'],
  ['application/zip', 'zip'],
  ['application/gzip', 'gz tgz'],
  ['application/x-7z-compressed', '7z'],
  ['application/x-tar', 'tar'],
  ['application/msword', 'doc'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['application/vnd.openxmlformats-officedocument.presentationml.presentation', 'pptx'],
  ['image/svg+xml', 'svg svgz'],
  ['image/png', 'png'],
  ['image/jpeg', 'jpg jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/avif', 'avif'],
  ['image/x-icon', 'ico'],
  ['image/bmp', 'bmp'],
  ['image/tiff', 'tif tiff'],
  ['font/woff', 'woff'],
  ['font/woff2', 'woff2'],
  ['font/ttf', 'ttf'],
  ['font/otf', 'otf'],
  ['audio/mpeg', 'mp3'],
  ['audio/ogg', 'ogg oga opus'],
  ['audio/wav', 'wav'],
  ['audio/flac', 'flac'],
  ['audio/mp4', 'm4a'],
  ['video/mp4', 'mp4 m4v'],
  ['video/webm', 'webm'],
  ['video/quicktime', 'mov'],
  ['video/ogg', 'ogv'],
]

/** Those whose text becomes much smaller when it is compressed. text/html is not named: nginx always has it. */
export const COMPRESSIBLE: readonly string[] = [
  ...MIME_TYPES.map(([type]) => type).filter((type) =>
    /^text\/(?!html)|[+/](?:json|xml|wasm)$|font\/(?:ttf|otf)$|x-icon|bmp/.test(type),
  ),
  'application/javascript',
  'application/xml',
  'application/problem+json',
]

/** Those that are sent with their charset. text/html is not named: nginx always has it. */
export const TEXT_TYPES: readonly string[] = MIME_TYPES.map(([type]) => type).filter((type) =>
  /^text\/(?!html)|^image\/svg/.test(type),
)

/** What is said of a file by its own name; a proxy may go by the URL. */
export function mimeTypeOf(path: string): string {
  const extension = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
  return MIME_TYPES.find(([, extensions]) => extensions.split(' ').includes(extension))?.[0] ?? 'application/octet-stream'
}
