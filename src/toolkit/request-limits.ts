/** What a request may cost at most. Each answers with a status when it is passed. */
export interface RequestLimits {
  /** Bytes of the body, 413. None when left out: the server's own `--limit-request-body` holds. */
  readonly maxContentLength?: number
  /** Bytes of a body that `data()`, `text()` and `json()` hold in memory, 413. 16 MiB when left out. */
  readonly maxDataSize?: number
  /** Bytes of all fields of a form together, files not counted, 413. 500,000 when left out, as Werkzeug has it. */
  readonly maxFormMemorySize?: number
  /** Fields and files of a form, 413. 1000 when left out. */
  readonly maxFormParts?: number
  /** Bytes of one uploaded file, 413. None when left out: the body's limit holds. */
  readonly maxFileSize?: number
  /** Bytes of the header fields of one part of a form, 431. 8 KiB when left out. */
  readonly maxPartHeaderSize?: number
  /**
   * Whether a body with `Content-Encoding` gzip, deflate or br is unpacked. It is refused with 415 when left out, as no browser
   * sends one: a few bytes of it may become gigabytes.
   */
  readonly decompress?: boolean
  /** Bytes of such a body when it is unpacked, 413. 16 MiB when left out. */
  readonly maxDecompressedSize?: number
}

export const DEFAULT_LIMITS = {
  maxDataSize: 16 * 1024 * 1024,
  maxFormMemorySize: 500_000,
  maxFormParts: 1000,
  maxPartHeaderSize: 8 * 1024,
  maxDecompressedSize: 16 * 1024 * 1024,
} as const satisfies RequestLimits
