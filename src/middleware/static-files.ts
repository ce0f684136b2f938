import { stat } from 'node:fs/promises'
import compressible from 'compressible'
import type { Application, Environ, Middleware } from '../interface/application.ts'
import { encodePath } from '../toolkit/encode-path.ts'
import { MethodNotAllowed } from '../toolkit/exceptions.ts'
import { fileType } from '../toolkit/file-type.ts'
import { HTTPException } from '../toolkit/http-exception.ts'
import { NotFound } from '../toolkit/plain-exceptions.ts'
import { redirect } from '../toolkit/redirect.ts'
import type { Response } from '../toolkit/response.ts'
import { sendFile } from '../toolkit/send-file.ts'
import type { SendFileOptions } from '../toolkit/send-file.ts'
import { codingsFor } from './content-coding.ts'
import { keepLifespan } from './keep-lifespan.ts'
import { StaticMount } from './static-mounts.ts'

export interface StaticFilesOptions {
  /** Seconds for which clients may keep a file without asking. Without it they ask each time, and get 304. */
  readonly maxAge?: number
  /**
   * Which files never change, as those with a hash in their name: clients keep them for a year and do not ask. An expression, or a function that is given
   * the path below the directory, `assets/app.3f9a1c2e.js`. None when left out.
   */
  readonly immutable?: RegExp | ((path: string) => boolean)
  /** What stands for its directory; false: nothing does. `index.html` when left out. */
  readonly index?: string | false
  /** Whether `app.js.br` and `app.js.gz`, where they are beside `app.js`, go to clients that accept them. True when left out. */
  readonly precompressed?: boolean
  /** Whether the application is asked where there is no file. True when left out; false: 404. */
  readonly fallThrough?: boolean
}

type StaticPath = string | URL

/** The end of the file's name, by what `Accept-Encoding` calls the coding. The preferred one first. */
const VARIANTS = { br: '.br', gzip: '.gz' } as const
const CODINGS = ['br', 'gzip'] as const

/** A year, which is "for ever" (RFC 9111 knows no more). */
const FOREVER = 'public, max-age=31536000, immutable'

/**
 * Serves files at paths, `staticFiles('/static', 'public')` or `staticFiles({ '/static': 'public', '/favicon.ico': 'icons/a.ico' })`; what else is asked for goes
 * to the application inside. A path of a URL is a directory or one file, absolute or from the working directory on, or a `file:` URL. Of several that fit the longest is
 * looked at first, then the next.
 *
 * Files have a type, ETag and `Last-Modified`; conditions and ranges are answered. Not there are: what begins with a dot, what a symbolic link
 * leads to outside of the directory, and what `safeJoin` refuses. Methods other than GET and HEAD get 405 where there is a file.
 *
 * Throws `TSGI_ERR_OPTION` for a path that is not there.
 */
export function staticFiles(prefix: string, path: StaticPath, options?: StaticFilesOptions): Middleware
export function staticFiles(mounts: Readonly<Record<string, StaticPath>>, options?: StaticFilesOptions): Middleware
export function staticFiles(
  first: string | Readonly<Record<string, StaticPath>>,
  second: StaticPath | StaticFilesOptions = {},
  third: StaticFilesOptions = {},
): Middleware {
  // The types of the two ways to call it say what stands where.
  const byPath = typeof first === 'string' ? { [first]: second as StaticPath } : first
  const options = typeof first === 'string' ? third : (second as StaticFilesOptions)
  const files = new StaticFiles(byPath, options)
  return (inner) => {
    const application: Application = (environ, startResponse) => {
      if (!files.cover(environ.PATH_INFO)) return inner(environ, startResponse)
      return files.respond(environ).then((response) => (response ?? inner)(environ, startResponse))
    }
    return keepLifespan(application, inner)
  }
}

class StaticFiles {
  readonly #mounts: readonly StaticMount[]
  readonly #options: StaticFilesOptions

  constructor(byPath: Readonly<Record<string, StaticPath>>, options: StaticFilesOptions) {
    this.#mounts = Object.entries(byPath)
      .map(([prefix, path]) => new StaticMount(prefix, path))
      .toSorted((a, b) => b.prefix.length - a.prefix.length)
    this.#options = options
  }

  /** Whether a path lies below one of the mounts. */
  cover(pathInfo: string): boolean {
    return this.#mounts.some((mount) => mount.covers(pathInfo))
  }

  /** Undefined where the application is to answer. */
  async respond(environ: Environ): Promise<Response | undefined> {
    for (const mount of this.#mounts) {
      const name = mount.nameOf(environ.PATH_INFO)
      const response = name === undefined ? undefined : await this.#respondAs(environ, mount, name)
      if (response !== undefined) return response
    }
    return (this.#options.fallThrough ?? true) ? undefined : new NotFound().getResponse(environ)
  }

  async #respondAs(environ: Environ, mount: StaticMount, name: string): Promise<Response | undefined> {
    const { index = 'index.html' } = this.#options
    const isSlashed = environ.PATH_INFO.endsWith('/')
    if (isSlashed && index === false) return undefined
    const meant = isSlashed ? `${name}${index}` : name
    const path = await mount.find(meant)
    // Most of what is below a mount at the root is the application's: one look is all that it costs.
    if (path === undefined) return undefined
    const response = await this.#file(environ, mount, meant, path)
    if (response !== undefined || isSlashed || index === false) return response
    // Links in an index would lead elsewhere without the slash.
    return this.#redirected(environ, mount, `${name}/${index}`)
  }

  /** To the directory with a slash, where that has an index. */
  async #redirected(environ: Environ, mount: StaticMount, index: string): Promise<Response | undefined> {
    const path = await mount.find(index)
    if (path === undefined || !(await isFile(path))) return undefined
    if (!isRead(environ)) return notAllowed(environ)
    const query = environ.QUERY_STRING === '' ? '' : `?${environ.QUERY_STRING}`
    return redirect(`${encodePath(environ.SCRIPT_NAME + environ.PATH_INFO)}/${query}`, 308)
  }

  async #file(environ: Environ, mount: StaticMount, name: string, path: string): Promise<Response | undefined> {
    if (!isRead(environ)) return (await isFile(path)) ? notAllowed(environ) : undefined
    const { maxAge, immutable, precompressed = true } = this.#options
    const mimetype = fileType(name)
    const options = { mimetype, ...(maxAge === undefined ? {} : { maxAge }) }
    // What is compressed in itself, as pictures are, has no other form beside it.
    const varies = precompressed && compressible(mimetype) === true
    const response =
      (varies ? await sendVariant(environ, mount, name, options) : undefined) ?? (await sendIfThere(environ, path, options))
    if (response === undefined) return undefined
    // Also where there is none today: what a cache keeps must not go to everybody tomorrow.
    if (varies) response.headers.addToken('Vary', 'Accept-Encoding')
    if (isImmutable(immutable, name)) response.headers.set('Cache-Control', FOREVER)
    return response
  }
}

/** The form of a file that the client likes best, where there is one beside it. */
async function sendVariant(
  environ: Environ,
  mount: StaticMount,
  name: string,
  options: SendFileOptions,
): Promise<Response | undefined> {
  for (const coding of codingsFor(environ, CODINGS)) {
    const path = await mount.find(name + VARIANTS[coding])
    const response = path === undefined ? undefined : await sendIfThere(environ, path, options)
    if (response === undefined) continue
    // 304, 412 and 416 describe no content.
    if (response.statusCode === 200 || response.statusCode === 206) response.contentEncoding = coding
    return response
  }
  return undefined
}

/** Undefined for a directory, a socket, a file that we may not read. */
async function sendIfThere(environ: Environ, path: string, options: SendFileOptions): Promise<Response | undefined> {
  try {
    return await sendFile(environ, path, options)
  } catch (error) {
    if (error instanceof HTTPException && error.status === 404) return undefined
    throw error
  }
}

function isImmutable(immutable: StaticFilesOptions['immutable'], name: string): boolean {
  if (immutable === undefined) return false
  // `search` has no memory, as `test` has with the flag g.
  return typeof immutable === 'function' ? immutable(name) : name.search(immutable) !== -1
}

function isRead({ REQUEST_METHOD }: Environ): boolean {
  return REQUEST_METHOD === 'GET' || REQUEST_METHOD === 'HEAD'
}

function notAllowed(environ: Environ): Response {
  return new MethodNotAllowed(['GET', 'HEAD']).getResponse(environ)
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  )
}
