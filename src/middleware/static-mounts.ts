import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { realpath } from 'node:fs/promises'
import { quote, TsgiError } from '../interface/errors.ts'
import { safeJoin } from '../toolkit/safe-join.ts'

/** Where files of a path are. */
export class StaticMount {
  /** Without a slash at its end; '' is the root. */
  readonly prefix: string
  readonly #directory: string
  /** The one file that is there, where the mount is no directory. */
  readonly #file: string | undefined
  #realDirectory: string

  /** Throws `TSGI_ERR_OPTION` for a prefix without a slash at its beginning, and where there is no such directory or file. */
  constructor(prefix: string, path: string | URL) {
    if (!prefix.startsWith('/'))
      throw new TsgiError('TSGI_ERR_OPTION', `staticFiles: ${quote(prefix)} does not begin with a slash`)
    const target = resolve(typeof path === 'string' ? path : fileURLToPath(path))
    const stats = statSync(target, { throwIfNoEntry: false })
    if (stats === undefined || !(stats.isDirectory() || stats.isFile())) {
      throw new TsgiError('TSGI_ERR_OPTION', `staticFiles: ${quote(target)}: there is no such directory or file`)
    }
    this.prefix = prefix.replace(/\/+$/, '')
    this.#file = stats.isFile() ? basename(target) : undefined
    this.#directory = stats.isFile() ? dirname(target) : target
    this.#realDirectory = realpathSync.native(this.#directory)
  }

  covers(pathInfo: string): boolean {
    const { prefix } = this
    return pathInfo.startsWith(prefix) && (pathInfo.length === prefix.length || pathInfo[prefix.length] === '/')
  }

  /**
   * The path below the directory that a request means: `css/a.css`, empty for the directory itself. Undefined where it is none of this mount's:
   * it lies elsewhere, leads out, or names something that begins with a dot.
   */
  nameOf(pathInfo: string): string | undefined {
    if (!this.covers(pathInfo)) return undefined
    const rest = pathInfo.slice(this.prefix.length)
    if (this.#file !== undefined) return rest === '' ? this.#file : undefined
    if (rest === '') return ''
    // `safeJoin` refuses `//host`, too: a redirect made of that would leave the site.
    if (/(?:^|\/)\./.test(rest) || safeJoin('', rest.slice(1)) === undefined) return undefined
    return rest.slice(1)
  }

  /** Where a name really is, links followed; undefined where there is nothing, or a link has led out of the directory. */
  async find(name: string): Promise<string | undefined> {
    let real: string
    try {
      // The one of the system: that of JavaScript asks for each part of the path.
      real = await realpath(join(this.#directory, name))
    } catch {
      return undefined
    }
    // The operator has named that one, wherever it leads.
    if (this.#file !== undefined && name === this.#file) return real
    if (this.#contains(real)) return real
    // A release whose directory is a link may have been changed to another one.
    this.#realDirectory = await realpath(this.#directory).catch(() => this.#realDirectory)
    return this.#contains(real) ? real : undefined
  }

  #contains(path: string): boolean {
    const directory = this.#realDirectory
    return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep)
  }
}
