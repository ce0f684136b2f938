import { closeSync, constants, fstatSync, open, read } from 'node:fs'
import type { Stats } from 'node:fs'
import { promisify } from 'node:util'
import { READ_INTO } from '../interface/read-into.ts'
import type { ReadableInto } from '../interface/read-into.ts'
import type { SeekableBody } from './response-body.ts'

const openFile = promisify(open)

/** A FIFO without a writer would hold a thread until somebody writes. Windows has neither. */
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Bytes of one read, and of one chunk: two of them are held for each response. */
const CHUNK_BYTES = 64 * 1024

/** A file that is open, and what is known of it: one thing, whatever becomes of its name meanwhile. */
export class OpenFile {
  readonly stats: Stats
  readonly #descriptor: number
  #reads = 0
  #closed = false

  private constructor(descriptor: number, stats: Stats) {
    this.#descriptor = descriptor
    this.stats = stats
  }

  /** Undefined where the path is no regular file. Rejects with what the system says where it cannot be opened. */
  static async open(path: string): Promise<OpenFile | undefined> {
    const descriptor = await openFile(path, READ_ONLY)
    // Of a file that is open the system knows this, and to close it after reading makes it wait for nothing: done at once, either
    // costs a twentieth of the way through a thread.
    try {
      const stats = fstatSync(descriptor)
      if (stats.isFile()) return new OpenFile(descriptor, stats)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
    closeSync(descriptor)
    return undefined
  }

  /** Reads; fewer bytes only where the file ends. */
  async read(position: number, length: number): Promise<Uint8Array> {
    // Of its own: the server keeps chunks until they are sent.
    const buffer = Buffer.allocUnsafeSlow(length)
    const bytesRead = await this.readInto(buffer, position, length)
    return bytesRead === length ? buffer : buffer.subarray(0, bytesRead)
  }

  /** Reads into the first `length` bytes. Resolves with the number of those that were there, fewer only where the file ends. */
  readInto(target: Uint8Array, position: number, length: number): Promise<number> {
    if (this.#closed) return Promise.reject(new Error('the file is closed'))
    this.#reads++
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, 0, length, position, (error, bytesRead) => {
        if (--this.#reads === 0 && this.#closed) closeSync(this.#descriptor)
        if (error === null) resolve(bytesRead)
        else reject(error)
      })
    })
  }

  /** A read that is under way comes to its end before: the number of a closed file is soon that of another one. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#reads === 0) closeSync(this.#descriptor)
  }
}

/** A file as a body, or a part of one. Takes over the file: closing the body closes it. */
export class FileBody implements SeekableBody, ReadableInto {
  readonly #file: OpenFile
  readonly #start: number
  readonly #end: number
  /** Up to here the server has read by `READ_INTO`. */
  #position: number

  constructor(file: OpenFile, start = 0, end = file.stats.size) {
    this.#file = file
    this.#start = start
    this.#end = end
    this.#position = start
  }

  get size(): number {
    return this.#end - this.#start
  }

  slice(start: number, end: number): FileBody {
    return new FileBody(this.#file, this.#start + start, Math.min(this.#start + end, this.#end))
  }

  /** What servers of this project read by. A file that gets shorter meanwhile ends early, which they notice. */
  async [READ_INTO](target: Uint8Array): Promise<number> {
    const length = Math.min(target.length, this.#end - this.#position)
    if (length <= 0) return 0
    const bytesRead = await this.#file.readInto(target, this.#position, length)
    this.#position += bytesRead
    return bytesRead
  }

  /** Reads on while the last chunk is sent. A file that gets shorter meanwhile ends early, which the server notices. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let next = this.#read(this.#start)
    for (let position = this.#start; position < this.#end;) {
      const chunk = await next
      if (chunk.length === 0) return
      position += chunk.length
      next = this.#read(position)
      // Where nobody asks for more, nobody hears that it has failed.
      next.catch(() => {})
      yield chunk
    }
  }

  /** All of it, in memory; the file is closed. */
  async whole(): Promise<Uint8Array> {
    try {
      return await this.#file.read(this.#start, this.size)
    } finally {
      this.#file.close()
    }
  }

  close(): void {
    this.#file.close()
  }

  async #read(position: number): Promise<Uint8Array> {
    const length = Math.min(CHUNK_BYTES, this.#end - position)
    return length > 0 ? this.#file.read(position, length) : NOTHING
  }
}

const NOTHING = new Uint8Array(0)
