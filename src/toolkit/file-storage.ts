import { createReadStream } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Headers } from './headers.ts'
import { mediaTypeOf } from './media-type.ts'

export interface FileStorageOptions {
  /** Of the form's field. */
  readonly name?: string
  /** As the client sent it, directories and all: never a path to write to. See `secureFilename`. */
  readonly filename?: string
  readonly headers?: Headers
}

/** Where the content is: in memory, or in a file of ours. */
export type FileContent = Uint8Array | { readonly path: string; readonly size: number }

/**
 * An uploaded file. A small one is in memory; a larger one in a temporary file that nobody else can read, and which is removed when
 * the response has ended: `save` what is to stay.
 */
export class FileStorage {
  /** Of the form's field. */
  readonly name: string
  readonly filename: string
  readonly headers: Headers
  #content: FileContent | undefined

  constructor(content: FileContent, { name = '', filename = '', headers = new Headers() }: FileStorageOptions = {}) {
    this.#content = content
    this.name = name
    this.filename = filename
    this.headers = headers
  }

  /** What the client says that it is; `application/octet-stream` where it says nothing. */
  get contentType(): string {
    return this.headers.get('content-type', 'application/octet-stream')
  }

  get mimetype(): string {
    return mediaTypeOf(this.contentType) ?? ''
  }

  /** Bytes. */
  get size(): number {
    const content = this.#open()
    return content instanceof Uint8Array ? content.length : content.size
  }

  /** Whether it is in memory, and costs nothing to read. */
  get inMemory(): boolean {
    return this.#open() instanceof Uint8Array
  }

  /** The content from its beginning. Any number may be read, one after the other or at the same time. */
  stream(): Readable {
    const content = this.#open()
    return content instanceof Uint8Array ? Readable.from([content]) : createReadStream(content.path)
  }

  /** The whole content in memory. */
  async bytes(): Promise<Uint8Array> {
    const content = this.#open()
    return content instanceof Uint8Array ? content : readFile(content.path)
  }

  /** The whole content as UTF-8. */
  async text(): Promise<string> {
    return Buffer.from(await this.bytes()).toString('utf8')
  }

  /**
   * Writes the content to a path, or to a stream, which is ended by it. A file that is there is replaced, unless `overwrite` is false: then it
   * rejects with `EEXIST`. Never make the path of `filename` itself.
   */
  async save(destination: string | NodeJS.WritableStream, { overwrite = true } = {}): Promise<void> {
    const content = this.#open()
    if (typeof destination !== 'string') {
      await pipeline(this.stream(), destination)
    } else {
      // Not a copy of the file: that would have the rights of ours, which nobody else may read.
      const source = content instanceof Uint8Array ? content : createReadStream(content.path)
      await writeFile(destination, source, { flag: overwrite ? 'w' : 'wx' })
    }
  }

  /** Removes the content. Whoever reads it later gets an error. */
  async close(): Promise<void> {
    const content = this.#content
    this.#content = undefined
    if (content !== undefined && !(content instanceof Uint8Array)) await rm(content.path, { force: true })
  }

  #open(): FileContent {
    if (this.#content === undefined) throw new Error('The uploaded file is closed: it lives as long as its request')
    return this.#content
  }
}
