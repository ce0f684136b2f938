import { inspect, TextDecoder } from 'node:util'
import type { Application, Environ } from '../interface/application.ts'
import { BadRequestKeyError } from './exceptions.ts'
import type { FileStorage } from './file-storage.ts'
import { readForm } from './form.ts'
import type { Form } from './form.ts'
import { HTTPException } from './http-exception.ts'
import { MultiDict } from './multi-dict.ts'
import { BadRequest, UnsupportedMediaType } from './plain-exceptions.ts'
import { RequestBody } from './request-body.ts'
import { RequestHead } from './request-head.ts'
import { DEFAULT_LIMITS } from './request-limits.ts'
import type { RequestLimits } from './request-limits.ts'
import { ClosingBody } from './response-body.ts'

export interface RequestOptions extends RequestLimits {
  /** The hosts that the application answers for; see `Request.host`. Any when left out. */
  readonly trustedHosts?: readonly string[]
}

/** What a handler gives back: a `Response`, any other application, or an HTTP exception. */
export type HandlerResult = Application | HTTPException

export type Handler<Target> = (request: Target) => HandlerResult | Promise<HandlerResult>

/**
 * A request, made of an environ: `new Request(environ)`. The body is read when it is asked for, within the limits.
 *
 * Whoever makes one closes it when the response has ended, for the sake of its uploaded files; `Request.application` does.
 */
export class Request extends RequestHead {
  readonly #body: RequestBody
  readonly #limits: RequestLimits
  #form: Promise<Form> | undefined
  #openForm: Form | undefined

  /** Throws SecurityError (400) where the host is none of `trustedHosts`. */
  constructor(environ: Environ, options: RequestOptions = {}) {
    super(environ, options.trustedHosts)
    this.#limits = options
    this.#body = new RequestBody(environ, options)
  }

  /**
   * An application of a function that takes a request and gives a response: `Request.application((request) => new Response('hello'))`. A HTTP
   * exception that it throws or gives is the answer; every other error goes on to the server. Called on a subclass, it makes requests of that.
   */
  static application<Target extends Request>(
    this: new (environ: Environ, options?: RequestOptions) => Target,
    handler: Handler<Target>,
    options: RequestOptions = {},
  ): Application {
    return async (environ, startResponse) => {
      let request: Target | undefined
      let result: HandlerResult
      try {
        request = new this(environ, options)
        result = await handler(request)
      } catch (error) {
        if (!(error instanceof HTTPException)) {
          await request?.close()
          throw error
        }
        result = error
      }
      const application = result instanceof HTTPException ? result.getResponse(environ) : result
      if (request?.needsClose !== true) return application(environ, startResponse)
      const files = request
      try {
        return new ClosingBody(await application(environ, startResponse), [() => files.close()])
      } catch (error) {
        await files.close()
        throw error
      }
    }
  }

  /** The body as it comes in, once. Throws as `data` does. */
  get stream(): AsyncIterable<Uint8Array> {
    return this.#body.stream()
  }

  /**
   * The whole body. Rejects with RequestEntityTooLarge (413) when it is over `maxDataSize` or `maxContentLength`, UnsupportedMediaType (415) for
   * a content coding, BadRequest (400) for one that is malformed; `TSGI_ERR_APPLICATION` where it was read as a stream or as a multipart form.
   */
  data(): Promise<Uint8Array> {
    return this.#body.bytes(this.#limits.maxDataSize ?? DEFAULT_LIMITS.maxDataSize)
  }

  /** The whole body as text, of the charset that it says, or UTF-8. Rejects with UnsupportedMediaType (415) for a charset that is none. */
  async text(): Promise<string> {
    const { charset = 'utf-8' } = this.mimetypeParams
    const decoder = decoderOf(charset)
    return decoder.decode(await this.data())
  }

  /**
   * The body's JSON, of the type that you say it has: check it. Rejects with UnsupportedMediaType (415) where the type of the body is not
   * JSON, unless `force`, and BadRequest (400) where it is no JSON. With `silent` it resolves to undefined instead of either.
   */
  async json<Value = unknown>({ force = false, silent = false } = {}): Promise<Value | undefined> {
    if (!force && !this.isJson) {
      if (silent) return undefined
      throw new UnsupportedMediaType('The body must be application/json.')
    }
    const data = await this.data()
    try {
      // The caller's word.
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)) as Value
    } catch (cause) {
      if (silent) return undefined
      throw new BadRequest('The body is no JSON.', { cause })
    }
  }

  /** The fields of a form, url-encoded or multipart; empty for a body of another type. Rejects with 400, 413, 415 or 431. */
  async form(): Promise<MultiDict> {
    return (await this.#readForm()).fields
  }

  /** The uploaded files of a multipart form. They are closed with the request. */
  async files(): Promise<MultiDict<FileStorage>> {
    return (await this.#readForm()).files
  }

  /** Arguments of the query and fields of the form, in this order. */
  async values(): Promise<MultiDict> {
    return new MultiDict([...this.args, ...(await this.form())])
  }

  /** Whether a form was read that has, or may come to have, something on the disk. */
  get needsClose(): boolean {
    return this.#openForm === undefined ? this.#form !== undefined : this.#openForm.onDisk
  }

  /** Removes what uploads have left on the disk; where nobody has waited for the form, as soon as it is there. */
  async close(): Promise<void> {
    if (this.#openForm !== undefined) await this.#openForm.close()
    // What goes wrong with it, whoever has asked for it hears.
    else this.#form?.then((form) => form.close()).catch(() => {})
  }

  [inspect.custom](): string {
    return `Request <${this.method} ${this.path}>`
  }

  #readForm(): Promise<Form> {
    this.#form ??= readForm(this.contentType, this.#body, this.#limits).then((form) => {
      this.#openForm = form
      return form
    })
    return this.#form
  }
}

/** `Request.application`, as a function. */
export function responder(handler: Handler<Request>, options?: RequestOptions): Application {
  return Request.application(handler, options)
}

/** The value of a key that must be there. Throws BadRequestKeyError (400). */
export function required<Value>(values: MultiDict<Value>, key: string): Value {
  const value = values.get(key)
  if (value === undefined) throw new BadRequestKeyError(key)
  return value
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset)
  } catch (cause) {
    throw new UnsupportedMediaType('The server does not know the charset of the body.', { cause })
  }
}
