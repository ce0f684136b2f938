import { isAbsolute, posix, relative, resolve, sep } from 'node:path'

import { quote, TsgiError } from '../../interface/errors.ts'
import type { StaticFiles } from '../../proxy/site.ts'
import type { Settings } from '../../settings/settings.ts'

/** Where the images of proxies have what they serve themselves. */
const SERVED = '/srv/tsgi'

/** What is copied into the image of the proxy. */
export interface ServedPath {
  /** From the directory that the image is made from, with slashes. */
  readonly from: string
  readonly to: string
}

/**
 * Files that the proxy serves from the disk, which must be in its image. Throws `TSGI_ERR_OPTION` for what is outside of the directory
 * that the image is made from, and for that directory itself: it holds the application.
 */
export function servedPaths({ documentRoot, urlAlias }: Settings<'start-server'>, directory: string): ServedPath[] {
  const paths = [
    ...(documentRoot === undefined ? [] : [['document-root', documentRoot] as const]),
    ...urlAlias.map(([, path]) => ['url-alias', path] as const),
  ]
  const froms = paths.map(([option, path]) => fromDirectory(option, path, directory))
  return [...new Set(froms)].map((from) => ({ from, to: posix.join(SERVED, from) }))
}

function fromDirectory(option: string, path: string, directory: string): string {
  const inside = relative(directory, resolve(directory, path))
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--${option} ${quote(path)} must be below ${quote(directory)}, which the images are made from: only what is there can be copied into the proxy's`,
    )
  }
  return inside.split(sep).join('/')
}

/** The same files, where they are in the image. */
export function inImage(files: StaticFiles, directory: string): StaticFiles {
  const place = (path: string): string => posix.join(SERVED, relative(directory, path).split(sep).join('/'))
  const { documentRoot, aliases } = files
  return {
    ...files,
    ...(documentRoot === undefined ? {} : { documentRoot: place(documentRoot) }),
    aliases: aliases.map((alias) => ({ ...alias, path: place(alias.path) })),
  }
}

/** Words of a command line: a path of this machine below the directory is one from there, where the image has it. */
export function wordsInImage(words: readonly string[], directory: string): string[] {
  return words.map((word) => {
    const inside = isAbsolute(word) ? relative(directory, word) : '..'
    return inside.startsWith('..') ? word : inside === '' ? '.' : inside.split(sep).join('/')
  })
}
