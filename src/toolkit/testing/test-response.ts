import type { Environ, ResponseBody } from '../../interface/application.ts'
import { Request } from '../request.ts'
import { Response } from '../response.ts'
import type { ResponseOptions } from '../response-head.ts'

/** The response of an application in a test. */
export class TestResponse extends Response {
  /** Of the request that it answers. Its body was read by the application. */
  readonly environ: Environ
  /** The redirects that led here, the first one first. */
  readonly history: readonly TestResponse[]

  constructor(body: ResponseBody, options: ResponseOptions, environ: Environ, history: readonly TestResponse[] = []) {
    super(body, options)
    this.environ = environ
    this.history = history
  }

  get request(): Request {
    return new Request(this.environ)
  }
}
