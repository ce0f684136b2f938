import { PassThrough } from 'node:stream'
import { lint } from '../../src/middleware/lint/index.ts'
import type { LintFinding, LintOptions } from '../../src/middleware/lint/index.ts'
import type { Application, Chunk, Environ, ExcInfo, InputStream, StartResponse, Write } from '../../src/interface/application.ts'

/** A server in a few lines that does everything right, and of which a test takes one part away. */
export interface Server {
  environ: Environ
  startResponse: StartResponse
  /** Calls the application, sends what it returns, closes it. */
  serve: (application: Application) => Promise<void>
  sent: Chunk[]
}

export function emptyInput(): InputStream {
  return inputOf(Buffer.alloc(0))
}

/** `tsgi.input` over bytes that are there, without lines. */
export function inputOf(bytes: Uint8Array): InputStream {
  let rest = bytes
  const take = async (size = Infinity): Promise<Uint8Array> => {
    const taken = rest.subarray(0, size)
    rest = rest.subarray(taken.length)
    return taken
  }
  return {
    read: take,
    readline: take,
    async readlines() {
      const line = await take()
      return line.length === 0 ? [] : [line]
    },
    async *[Symbol.asyncIterator]() {
      const chunk = await take()
      if (chunk.length > 0) yield chunk
    },
  }
}

export function environOf(variables: Record<string, unknown> = {}): Environ {
  return {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/',
    QUERY_STRING: '',
    REQUEST_URI: '/',
    SERVER_NAME: 'localhost',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    'tsgi.version': [1, 0],
    'tsgi.url_scheme': 'http',
    'tsgi.input': emptyInput(),
    'tsgi.errors': { write() {}, flush() {} },
    'tsgi.multithread': false,
    'tsgi.multiprocess': false,
    'tsgi.run_once': false,
    'tsgi.file_wrapper': (source) => source,
    'tsgi.signal': new AbortController().signal,
    'tsgi.request_id': 'one',
    ...variables,
  }
}

export function server(): Server {
  let started = false
  const one: Server = {
    environ: environOf(),
    sent: [],
    startResponse(_status, _headers, excInfo) {
      if (excInfo !== undefined && excInfo !== null) {
        if (one.sent.length > 0) throw errorOf(excInfo)
      } else if (started) throw new Error('startResponse was called twice')
      started = true
      const write: Write = async (chunk) => {
        one.sent.push(chunk)
      }
      return write
    },
    async serve(application) {
      const body = await application(one.environ, one.startResponse)
      if (body === null || typeof body !== 'object' || body instanceof Uint8Array) return
      try {
        for await (const chunk of body) if (chunk.length > 0) one.sent.push(chunk)
      } finally {
        await body.close?.()
      }
    },
  }
  return one
}

export function errorOf(excInfo: ExcInfo): unknown {
  return excInfo instanceof Error ? excInfo : excInfo[0]
}

/** An application that answers in two chunks, and may read before that. */
export function answering(read?: (environ: Environ) => Promise<unknown>): Application {
  return async (environ, startResponse) => {
    await read?.(environ)
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return (function* () {
      yield 'one '
      yield 'two'
    })()
  }
}

export const duplex = (): PassThrough => new PassThrough()

/** The application under lint, and what is found. */
export function watched(
  application: Application,
  options: LintOptions = {},
): { application: Application; findings: LintFinding[] } {
  const findings: LintFinding[] = []
  return { application: lint(application, { onFinding: (finding) => findings.push(finding), ...options }), findings }
}

export const TEXT = [['Content-Type', 'text/plain']] as const

/** An application in JavaScript, which no compiler has looked at. */
export function untyped(
  application: (environ: Environ, startResponse: (...args: unknown[]) => (chunk: unknown) => Promise<void>) => unknown,
): Application {
  return application as unknown as Application
}
