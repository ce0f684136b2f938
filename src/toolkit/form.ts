import type { FileStorage } from './file-storage.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { parseMediaType } from './media-type.ts'
import { MultiDict } from './multi-dict.ts'
import { MultipartDecoder } from './multipart.ts'
import type { MultipartEvent } from './multipart.ts'
import { BadRequest, RequestEntityTooLarge, UnsupportedMediaType } from './plain-exceptions.ts'
import { DEFAULT_LIMITS } from './request-limits.ts'
import type { RequestLimits } from './request-limits.ts'
import { UploadStore } from './upload-store.ts'
import type { Upload } from './upload-store.ts'

/** What a form holds. Whoever has it closes it: its files may be on the disk. */
export interface Form {
  readonly fields: MultiDict
  readonly files: MultiDict<FileStorage>
  /** Whether closing it does anything. */
  readonly onDisk: boolean
  close(): Promise<void>
}

/** Where a form comes from. */
export interface FormSource {
  stream(): AsyncIterable<Uint8Array>
  bytes(maxBytes: number): Promise<Buffer>
}

const EMPTY_STORE = { onDisk: false, close: async (): Promise<void> => {} }

/**
 * Reads a form by its `Content-Type`; of any other type it is empty, and nothing is read. Throws BadRequest (400), RequestEntityTooLarge
 * (413), UnsupportedMediaType (415), RequestHeaderFieldsTooLarge (431).
 */
export async function readForm(contentType: string | undefined, source: FormSource, limits: RequestLimits): Promise<Form> {
  const { type, parameters } = parseMediaType(contentType)
  if (type === 'multipart/form-data') return readMultipart(parameters.boundary, source.stream(), limits)
  const fields =
    type === 'application/x-www-form-urlencoded' ? await readUrlEncoded(parameters.charset, source, limits) : new MultiDict()
  return { fields, files: new MultiDict(), ...EMPTY_STORE }
}

async function readUrlEncoded(charset: string | undefined, source: FormSource, limits: RequestLimits): Promise<MultiDict> {
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) throw new UnsupportedMediaType('The form must be UTF-8.')
  const bytes = await source.bytes(limits.maxFormMemorySize ?? DEFAULT_LIMITS.maxFormMemorySize)
  const maxParts = limits.maxFormParts ?? DEFAULT_LIMITS.maxFormParts
  let parts = bytes.length === 0 ? 0 : 1
  for (let at = bytes.indexOf(38); at !== -1; at = bytes.indexOf(38, at + 1)) parts++
  if (parts > maxParts) throw new RequestEntityTooLarge('The form has too many fields.')
  return new MultiDict(new URLSearchParams(bytes.toString('utf8')))
}

async function readMultipart(
  boundary: string | undefined,
  stream: AsyncIterable<Uint8Array>,
  limits: RequestLimits,
): Promise<Form> {
  const collector = new FormCollector(limits)
  try {
    const decoder = new MultipartDecoder(boundary, {
      maxParts: limits.maxFormParts ?? DEFAULT_LIMITS.maxFormParts,
      maxPartHeaderSize: limits.maxPartHeaderSize ?? DEFAULT_LIMITS.maxPartHeaderSize,
    })
    for await (const chunk of stream) {
      for (const event of decoder.push(chunk)) await collector.take(event)
      // Whatever follows the end is not the form's: the server throws it away.
      if (decoder.ended) break
    }
    decoder.finish()
    return collector
  } catch (error) {
    await collector.close()
    throw error
  }
}

/** Keeps what the decoder gives: fields in memory, within their limit, files in the store. */
class FormCollector implements Form {
  readonly fields = new MultiDict()
  readonly files = new MultiDict<FileStorage>()
  readonly #limits: RequestLimits
  readonly #store = new UploadStore()
  #upload: Upload | undefined
  #name = ''
  readonly #field = new GrowingBytes()
  #charset = 'utf-8'
  /** Bytes of all fields so far. */
  #memory = 0

  constructor(limits: RequestLimits) {
    this.#limits = limits
  }

  get onDisk(): boolean {
    return this.#store.onDisk
  }

  async take(event: MultipartEvent): Promise<void> {
    switch (event.kind) {
      case 'part':
        this.#begin(event)
        return
      case 'data':
        await this.#add(event.data)
        return
      case 'end':
        if (this.#upload === undefined) {
          this.fields.add(this.#name, decode(this.#field.take(), this.#charset))
        } else {
          const upload = this.#upload
          this.#upload = undefined
          this.files.add(this.#name, await upload.end())
        }
        return
    }
  }

  async close(): Promise<void> {
    await this.#upload?.abort()
    await this.#store.close()
  }

  #begin({ name, filename, headers }: MultipartEvent & { kind: 'part' }): void {
    this.#name = name
    // Names are kept as long as the fields are.
    this.#count(name.length)
    if (filename !== undefined) {
      this.#upload = this.#store.begin({ name, filename, headers })
      return
    }
    this.#charset = parseMediaType(headers.get('content-type')).parameters.charset ?? 'utf-8'
  }

  async #add(data: Uint8Array): Promise<void> {
    if (this.#upload !== undefined) {
      if (this.#upload.size + data.length > (this.#limits.maxFileSize ?? Infinity)) {
        throw new RequestEntityTooLarge('An uploaded file is too large.')
      }
      await this.#upload.write(data)
      return
    }
    this.#count(data.length)
    this.#field.append(data)
  }

  #count(bytes: number): void {
    this.#memory += bytes
    if (this.#memory > (this.#limits.maxFormMemorySize ?? DEFAULT_LIMITS.maxFormMemorySize)) {
      throw new RequestEntityTooLarge('The fields of the form are too large.')
    }
  }
}

function decode(bytes: Buffer, charset: string): string {
  if (/^utf-?8$/i.test(charset)) return bytes.toString('utf8')
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch (cause) {
    throw new BadRequest('A field is of an unknown charset.', { cause })
  }
}
