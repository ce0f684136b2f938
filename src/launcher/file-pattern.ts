/**
 * A pattern for files as `.gitignore` has them: `*` and `?` stand for anything within a name, `**` for any directories. One without
 * a slash is about a name wherever it is; any other is a path from the root. Both are about everything below, too.
 */
export function filePattern(pattern: string): RegExp {
  const path = pattern
    .replaceAll('\\', '/')
    .replace(/^\.?\//, '')
    .replace(/\/+$/, '')
  const anywhere = !pattern.replace(/\/+$/, '').includes('/')
  const source = path
    .split(/(\*\*\/|\*+|\?)/)
    .map((piece) => WILD.get(piece) ?? (/^\*+$/.test(piece) ? '.*' : piece.replaceAll(/[.+^$(){}|[\]\\*?]/g, String.raw`\$&`)))
    .join('')
  return new RegExp(`^${anywhere ? '(?:.*/)?' : ''}${source}(?:/.*)?$`)
}

const WILD: ReadonlyMap<string, string> = new Map([
  ['**/', '(?:.*/)?'],
  ['*', '[^/]*'],
  ['?', '[^/]'],
])
