import { basename, resolve } from 'node:path'
import { create as contentDisposition } from 'content-disposition'
import type { Environ } from '../interface/application.ts'
import { environOf } from './conditional.ts'
import type { EnvironHolder } from './conditional.ts'
import { FileBody, OpenFile } from './file-body.ts'
import { fileType } from './file-type.ts'
import { NotFound } from './plain-exceptions.ts'
import { Response } from './response.ts'
import { safeJoin } from './safe-join.ts'

export interface SendFileOptions {
  /** Of the name's extension when left out, or `application/octet-stream`. */
  readonly mimetype?: string
  /** Whether the client is to save it instead of showing it. */
  readonly asAttachment?: boolean
  /** The name under which it is saved. The file's own when left out. */
  readonly downloadName?: string
  /** Whether conditions and ranges of the request are answered. True when left out. */
  readonly conditional?: boolean
  /** False: no ETag; a text: that one. Made of size and time when left out. */
  readonly etag?: boolean | string
  /** That of the file when left out. */
  readonly lastModified?: Date
  /** Seconds for which clients may keep it without asking. Without it they ask each time (`no-cache`). */
  readonly maxAge?: number
  /**
   * Has nginx send the file: directories of yours, and the `internal` locations that nginx has for them. The answer is then a
   * `X-Accel-Redirect`. A file in none of them is sent as usual.
   */
  readonly accelRedirect?: Readonly<Record<string, string>>
  /** Has Apache's mod_xsendfile, or lighttpd, send the file: the answer is an `X-Sendfile`. */
  readonly xSendfile?: boolean
}

/** Files up to this size are read at once and their descriptor is closed before the response leaves; larger ones cost more that way. Bytes. */
const WHOLE_BYTES = 32 * 1024

/**
 * A response with a file of yours: never one that a client names, which is what `sendFromDirectory` is for. It has a type, a length, an ETag and
 * `Last-Modified`, answers conditions and ranges, and is read as it is sent, 64 KiB at a time.
 *
 * Rejects with NotFound (404) where there is no such file, or something that is none: a directory, a socket, a FIFO.
 */
export async function sendFile(request: Environ | EnvironHolder, path: string, options: SendFileOptions = {}): Promise<Response> {
  const file = await openOr404(path)
  const { mtime, mtimeMs, size } = file.stats
  const { downloadName = basename(path), asAttachment = false, etag = true, lastModified = mtime, maxAge } = options
  const body = new FileBody(file)
  const response = new Response(body, { contentType: options.mimetype ?? fileType(downloadName) })
  try {
    const { headers } = response
    if (asAttachment || options.downloadName !== undefined) {
      headers.add('Content-Disposition', contentDisposition(downloadName, { type: asAttachment ? 'attachment' : 'inline' }))
    }
    headers.add('Content-Length', size)
    headers.add('Last-Modified', lastModified.toUTCString())
    headers.add('Cache-Control', maxAge === undefined ? 'no-cache' : `public, max-age=${maxAge}`)
    if (etag !== false) response.setEtag(etag === true ? `${size.toString(16)}-${Math.floor(mtimeMs * 1000).toString(16)}` : etag)
    if (handOver(response, resolve(path), options)) {
      file.close()
      return response
    }
    if (options.conditional !== false) response.makeConditional(request)
    // What is not sent is not read.
    const isWanted = response.body === body && environOf(request).REQUEST_METHOD !== 'HEAD'
    return isWanted && size <= WHOLE_BYTES ? await readWhole(response, body) : response
  } catch (error) {
    file.close()
    throw error
  }
}

/**
 * A response with a file below a directory, by a path that comes from a client: `sendFromDirectory(request, '/srv/files', request.path.slice(1))`. Rejects
 * with NotFound (404) for a path that `safeJoin` does not take, and as `sendFile` does.
 */
export async function sendFromDirectory(
  request: Environ | EnvironHolder,
  directory: string,
  path: string,
  options: SendFileOptions = {},
): Promise<Response> {
  const joined = safeJoin(directory, path)
  // A file is no directory: a path with a slash at its end names none.
  if (joined === undefined || path === '' || path.endsWith('/')) throw new NotFound()
  return sendFile(request, joined, options)
}

/** What the system says of a path that leads to no file, or to none that we may read: the client learns no more than that. */
const NOT_FOUND = new Set([
  'EACCES',
  'EISDIR',
  'ELOOP',
  'EINVAL',
  'ENAMETOOLONG',
  'ENODEV',
  'ENOENT',
  'ENOTDIR',
  'ENXIO',
  'EPERM',
  'ERR_INVALID_ARG_VALUE',
])

async function openOr404(path: string): Promise<OpenFile> {
  let file: OpenFile | undefined
  try {
    file = await OpenFile.open(path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (typeof code === 'string' && NOT_FOUND.has(code)) throw new NotFound(undefined, { cause })
    throw cause
  }
  if (file === undefined) throw new NotFound()
  return file
}

/** Leaves the file to the proxy. False: it does not send this one. The proxy knows the length, and answers ranges. */
function handOver(response: Response, path: string, { accelRedirect = {}, xSendfile = false }: SendFileOptions): boolean {
  for (const [directory, location] of Object.entries(accelRedirect)) {
    const prefix = `${resolve(directory)}/`
    if (!path.startsWith(prefix)) continue
    const inside = path.slice(prefix.length).split('/').map(encodeURIComponent).join('/')
    return give(response, 'X-Accel-Redirect', `${location.replace(/\/$/, '')}/${inside}`)
  }
  // mod_xsendfile decodes what it gets.
  return xSendfile && give(response, 'X-Sendfile', path.split('/').map(encodeURIComponent).join('/'))
}

function give(response: Response, name: string, value: string): true {
  response.body = null
  response.headers.set(name, value)
  return true
}

async function readWhole(response: Response, body: FileBody): Promise<Response> {
  const whole = await body.whole()
  // The length has been said: a file that was cut meanwhile is one that the server notices.
  const length = response.headers.get('content-length', '')
  response.body = whole
  response.headers.set('Content-Length', length)
  return response
}
