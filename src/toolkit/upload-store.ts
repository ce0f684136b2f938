import { mkdtemp, open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStorage } from './file-storage.ts'
import type { FileStorageOptions } from './file-storage.ts'
import { GrowingBytes } from './growing-bytes.ts'

/** Bytes of all files of one request that are kept in memory; what goes beyond goes to the disk. */
const MAX_MEMORY_BYTES = 512 * 1024

/** Takes the uploaded files of one request. */
export class UploadStore {
  #directory: Promise<string> | undefined
  #memory = 0
  #files = 0

  /** Whether there is something on the disk. */
  get onDisk(): boolean {
    return this.#directory !== undefined
  }

  /** Begins a file. */
  begin(options: FileStorageOptions): Upload {
    return new Upload(this, options)
  }

  /** Whether so much more may stay in memory; then it counts. */
  reserve(bytes: number): boolean {
    if (this.#memory + bytes > MAX_MEMORY_BYTES) return false
    this.#memory += bytes
    return true
  }

  release(bytes: number): void {
    this.#memory -= bytes
  }

  /** A new file in a directory that only this user can enter. */
  async create(): Promise<{ path: string; handle: FileHandle }> {
    this.#directory ??= mkdtemp(join(tmpdir(), 'tsgi-upload-'))
    const path = join(await this.#directory, String(this.#files++))
    return { path, handle: await open(path, 'wx', 0o600) }
  }

  /** Removes all that is on the disk. */
  async close(): Promise<void> {
    const directory = this.#directory
    this.#directory = undefined
    if (directory !== undefined) await rm(await directory, { recursive: true, force: true })
  }
}

/** A file that comes in, and has one descriptor at most, as long as it does. */
export class Upload {
  readonly #store: UploadStore
  readonly #options: FileStorageOptions
  readonly #held = new GrowingBytes()
  #file: { path: string; handle: FileHandle } | undefined
  #size = 0

  constructor(store: UploadStore, options: FileStorageOptions) {
    this.#store = store
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  /** Copies the bytes, which are the caller's. */
  async write(data: Uint8Array): Promise<void> {
    this.#size += data.length
    if (this.#file === undefined && this.#store.reserve(data.length)) {
      this.#held.append(data)
      return
    }
    this.#file ??= await this.#spill()
    await this.#file.handle.writeFile(data)
  }

  async end(): Promise<FileStorage> {
    if (this.#file === undefined) return new FileStorage(this.#held.take(), this.#options)
    await this.#file.handle.close()
    return new FileStorage({ path: this.#file.path, size: this.#size }, this.#options)
  }

  async abort(): Promise<void> {
    await this.#file?.handle.close()
  }

  async #spill(): Promise<{ path: string; handle: FileHandle }> {
    const file = await this.#store.create()
    this.#file = file
    const held = this.#held.take()
    await file.handle.writeFile(held)
    this.#store.release(held.length)
    return file
  }
}
