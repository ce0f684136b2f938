import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** How often the file is looked at, milliseconds. An idle look costs a few microseconds. */
const LOOK_MS = 250

/** Read at one look; what is beyond has come in a flood, and is passed over. Bytes. */
const MAX_READ = 1024 * 1024

/** A file that has become so long, and is read to its end, is emptied: it holds nothing that is not in a log. Bytes. */
const MAX_LENGTH = 4 * 1024 * 1024

const CHUNK_BYTES = 64 * 1024

/** No line that means anything is longer, characters. */
const MAX_LINE = 16 * 1024

export interface FollowOptions {
  readonly path: string
  readonly onLine: (line: string) => void
  /** So many bytes were passed over. */
  readonly onSkipped: (bytes: number) => void
  /** Behind the lines of each look. */
  readonly onLook: () => void
}

/**
 * A file of ours that others append to, read line by line as it grows. It may be emptied or moved away at any time: then it goes on
 * from the new beginning.
 */
export class FollowedFile {
  readonly #options: FollowOptions
  readonly #timer: NodeJS.Timeout
  readonly #buffer = Buffer.alloc(CHUNK_BYTES)
  #decoder = new StringDecoder('utf8')
  #fd: number
  #position = 0
  #rest = ''

  /** Makes the file, empty. */
  constructor(options: FollowOptions) {
    this.#options = options
    this.#fd = openSync(options.path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600)
    fchmodSync(this.#fd, 0o600)
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.#timer.unref()
  }

  /** Reads what has come. */
  look(): void {
    try {
      this.#readOn()
      this.#followName()
    } catch {
      // A disk that fails, or a directory that is gone: the next look may fare better.
    }
    this.#options.onLook()
  }

  close(): void {
    clearInterval(this.#timer)
    this.look()
    closeSync(this.#fd)
  }

  #readOn(): void {
    const { size } = fstatSync(this.#fd)
    if (size < this.#position) this.#restart()
    if (size - this.#position > MAX_READ) {
      const skipped = size - this.#position - MAX_READ
      this.#position += skipped
      this.#rest = ''
      this.#options.onSkipped(skipped)
    }
    const end = size
    while (this.#position < end) {
      const length = readSync(this.#fd, this.#buffer, 0, Math.min(CHUNK_BYTES, end - this.#position), this.#position)
      if (length === 0) break
      this.#position += length
      this.#take(this.#decoder.write(this.#buffer.subarray(0, length)))
    }
    // Whoever appends goes on at the new end. What came since the look at the size is read by then, or lost: a line or two of thousands.
    if (this.#position > MAX_LENGTH && fstatSync(this.#fd).size === this.#position) {
      ftruncateSync(this.#fd, 0)
      this.#position = 0
    }
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#options.onLine(line)
    if (this.#rest.length > MAX_LINE) this.#rest = ''
  }

  /** Where another file has the name by now, that is the one. The proxy makes it, with its own mode. */
  #followName(): void {
    const named = statSync(this.#options.path, { throwIfNoEntry: false })
    const opened = fstatSync(this.#fd)
    if (named === undefined || (named.ino === opened.ino && named.dev === opened.dev)) return
    const fd = openSync(this.#options.path, constants.O_RDWR | constants.O_NOFOLLOW)
    closeSync(this.#fd)
    this.#fd = fd
    this.#restart()
    this.#readOn()
  }

  #restart(): void {
    this.#position = 0
    this.#rest = ''
    this.#decoder = new StringDecoder('utf8')
  }
}
