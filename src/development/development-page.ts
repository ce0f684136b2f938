import { quote, TsgiError } from '../interface/errors.ts'
import type { FailurePage } from '../gateway/failure-page.ts'
import { reportedErrors } from './failure-report.ts'
import { reportAnswer } from './report-answer.ts'

/** What a worker in development tells clients of requests that have failed. */
export class DevelopmentPage {
  readonly #generation: number
  #uncaught: { readonly error: unknown } | undefined

  /** `generation`: of the code that this worker serves. */
  constructor(generation: number) {
    this.#generation = generation
  }

  /** Nobody caught this: requests that are given up now are most probably left behind by it. */
  uncaught(error: unknown): void {
    this.#uncaught ??= { error }
  }

  readonly answer: FailurePage = (error, status, request) => {
    const left = this.#uncaught !== undefined && error instanceof TsgiError && error.code === 'TSGI_ERR_APPLICATION'
    const accept = request.headers.find(([name]) => name.toLowerCase() === 'accept')?.[1] ?? ''
    const what = `${quote(request.method).slice(1, -1)} ${quote(request.target).slice(1, -1)}`
    return reportAnswer(
      {
        status,
        title: `${what} ${left ? 'was left without an answer by an uncaught exception' : 'failed'}`,
        errors: reportedErrors(left ? this.#uncaught?.error : error),
        request,
      },
      accept,
      this.#generation,
    )
  }
}
