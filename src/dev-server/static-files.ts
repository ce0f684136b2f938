import { statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename, dirname } from 'node:path'
import send from 'send'

import { quote, TsgiError } from '../interface/errors.ts'

export interface StaticFileOptions {
  /** A file in it is served before the application is asked. */
  readonly documentRoot: string | undefined
  /** URL path and the file or directory that is served there. */
  readonly urlAlias: readonly (readonly [url: string, path: string])[]
  /** Served for its directory. */
  readonly directoryIndex: string
}

interface Alias {
  /** Without a slash at its end; '' is the root. */
  readonly url: string
  readonly path: string
  readonly isFile: boolean
}

/** Files that are served without the application, as the launcher's proxies do. Paths that lead out and dot files are not there. */
export class StaticFiles {
  readonly #options: StaticFileOptions
  readonly #aliases: readonly Alias[]

  /** Throws `TSGI_ERR_OPTION` for paths that are not there. */
  constructor(options: StaticFileOptions) {
    this.#options = options
    const { documentRoot } = options
    if (documentRoot !== undefined && statSync(documentRoot, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new TsgiError('TSGI_ERR_OPTION', `--document-root ${quote(documentRoot)}: there is no such directory`)
    }
    // The longer path is the nearer one.
    this.#aliases = options.urlAlias
      .map(([url, path]) => ({ url: url.replace(/\/$/, ''), path, isFile: isFile(url, path) }))
      .toSorted((a, b) => b.url.length - a.url.length)
  }

  /** Answers with a file; resolves to false where the request is the application's. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const path = /^[^?#]*/.exec(request.url ?? '')?.[0] ?? ''
    if (!path.startsWith('/')) return false
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const alias = this.#aliases.find(({ url, isFile }) => path === url || (!isFile && path.startsWith(`${url}/`)))
    if (alias !== undefined) {
      if (!isRead) {
        answer(response, 405, 'Method Not Allowed', { Allow: 'GET, HEAD' })
        return true
      }
      const rest = path.slice(alias.url.length)
      // Links in its index would lead elsewhere without the slash.
      if (rest === '' && !alias.isFile) answer(response, 301, 'Moved Permanently', { Location: `${alias.url}/` })
      else if (!(await this.#send(request, response, alias, rest))) answer(response, 404, 'Not Found', {})
      return true
    }
    const { documentRoot } = this.#options
    if (documentRoot === undefined || !isRead) return false
    return this.#send(request, response, { path: documentRoot, isFile: false }, path)
  }

  /** False: there is no such file, and nothing has been sent. */
  #send(request: IncomingMessage, response: ServerResponse, of: Omit<Alias, 'url'>, path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const root = of.isFile ? dirname(of.path) : of.path
      const name = of.isFile ? `/${encodeURIComponent(basename(of.path))}` : path
      response.once('close', () => resolve(true))
      // A file that the operator has named may begin with a dot.
      send(request, name, { root, index: this.#options.directoryIndex, dotfiles: of.isFile ? 'allow' : 'ignore' })
        .on('error', (error: Error & { status?: number; headers?: Record<string, string> }) => {
          if (response.headersSent) {
            response.destroy()
            resolve(true)
          } else if (error.status === 412 || error.status === 416) {
            answer(response, error.status, error.message, error.headers ?? {})
            resolve(true)
          } else {
            resolve(false)
          }
        })
        .on('directory', () => resolve(false))
        .pipe(response)
    })
  }
}

function isFile(url: string, path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new TsgiError('TSGI_ERR_OPTION', `--url-alias ${url} ${quote(path)}: there is no such file`)
  return stats.isFile()
}

function answer(response: ServerResponse, status: number, text: string, fields: Readonly<Record<string, string>>): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...fields })
  response.end(`${text}\n`)
}
