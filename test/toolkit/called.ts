import type { Application, Chunk, Environ, HeaderPair, InputStream } from '../../src/index.ts'

/** An input of these chunks. `left` counts those that nobody has taken. */
export function inputOf(chunks: readonly (string | Uint8Array)[]): InputStream & { readonly left: number } {
  const rest = chunks.map((chunk) => Buffer.from(chunk))
  const unused = (): never => {
    throw new Error('the toolkit iterates')
  }
  return {
    get left() {
      return rest.length
    },
    read: unused,
    readline: unused,
    readlines: unused,
    async *[Symbol.asyncIterator]() {
      for (let chunk = rest.shift(); chunk !== undefined; chunk = rest.shift()) yield chunk
    },
  }
}

/** A GET of /, unless `variables` say else. */
export function environOf(
  variables: Readonly<Record<string, unknown>> = {},
  body: readonly (string | Uint8Array)[] = [],
): Environ {
  return {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/',
    QUERY_STRING: '',
    REQUEST_URI: '/',
    SERVER_NAME: 'localhost',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REMOTE_ADDR: '192.0.2.1',
    'tsgi.version': [1, 0],
    'tsgi.url_scheme': 'http',
    'tsgi.input': inputOf(body),
    'tsgi.errors': { write() {}, flush() {} },
    'tsgi.multithread': false,
    'tsgi.multiprocess': false,
    'tsgi.run_once': false,
    'tsgi.file_wrapper': (source) => source,
    'tsgi.signal': new AbortController().signal,
    'tsgi.request_id': 'r1',
    ...variables,
  }
}

export interface Answer {
  readonly status: number
  readonly statusLine: string
  readonly headers: globalThis.Headers
  readonly pairs: readonly HeaderPair[]
  readonly bytes: Buffer
  readonly text: string
}

/** Calls an application as a server does: takes all chunks, then closes. */
export async function call(application: Application, environ: Environ = environOf()): Promise<Answer> {
  let statusLine = ''
  let pairs: readonly HeaderPair[] = []
  const body = await application(environ, (status, headers) => {
    statusLine = status
    pairs = headers
    return async () => {}
  })
  const chunks: Buffer[] = []
  if (typeof body === 'string' || body instanceof Uint8Array) chunks.push(Buffer.from(body))
  else if (body !== null) for await (const chunk of body as AsyncIterable<Chunk>) chunks.push(Buffer.from(chunk))
  if (typeof body === 'object' && body !== null && 'close' in body) await body.close?.()
  const bytes = Buffer.concat(chunks)
  return {
    status: Number(statusLine.slice(0, 3)),
    statusLine,
    headers: new globalThis.Headers(pairs.map(([name, value]): [string, string] => [name, value])),
    pairs,
    bytes,
    text: bytes.toString(),
  }
}

/** The text in pieces of this many bytes. */
export function pieces(data: string | Uint8Array, size: number): Uint8Array[] {
  const bytes = Buffer.from(data)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
}
