import type { Application, Environ, ResponseBody } from '../../interface/application.ts'
import { quote } from '../../interface/errors.ts'
import { LintedCall } from './call.ts'
import { checkEnviron } from './environ.ts'
import { Reporter } from './finding.ts'
import type { LintOptions } from './finding.ts'
import { LintedLifespan } from './lifespan.ts'

/** How long a body may be at its end without a call of its `close()`, milliseconds: a client that reads slowly, and then some. */
const CLOSE_WITHIN_MS = 10_000

/**
 * Stands between a server and an application and checks both by the rules of TSGI 1.0, while they do what they do. A middleware
 * is checked on its inner side by a `lint` in it, and on its outer side by one around it.
 *
 * Throws `TSGI_ERR_LINT` where `application` is none.
 */
export function lint(application: Application, options: LintOptions = {}): Application {
  const reporter = new Reporter(options)
  if (typeof application !== 'function') {
    const finding = new Reporter({ throws: true, onFinding() {} })
    finding.report('1.1', `the application is ${quote(application)}`, 'a function (environ, startResponse)')
  }
  if (application.length > 2) {
    reporter.report('1.1', `the application takes ${application.length} arguments`, 'two: environ and startResponse')
  }
  const { closeWithinMs = CLOSE_WITHIN_MS } = options
  const lifespan = new LintedLifespan(application, reporter)
  const known = new WeakSet<Environ>()
  const linted = (...args: Parameters<Application>): ResponseBody | Promise<ResponseBody> => {
    const [environ, startResponse] = args
    // The types say two; who calls from JavaScript gives what he likes.
    const count: number = args.length
    if (count !== 2 || typeof startResponse !== 'function') {
      const seen = count === 2 ? `startResponse as ${quote(startResponse)}` : `${count} arguments`
      reporter.report('2.8', `the application was called with ${seen}`, 'environ and startResponse, a function')
    }
    if (!checkEnviron(environ, reporter)) return application(...args)
    if (known.has(environ)) reporter.report('2.1', 'the environ is that of another call', 'one of its own', environ)
    known.add(environ)
    lifespan.checkRequest(environ)
    const call = new LintedCall(environ, startResponse, reporter, closeWithinMs)
    call.enter()
    return follow(application, call)
  }
  // As the application has it when a server asks, which may set it too.
  return Object.defineProperty(linted, 'lifespan', {
    get: () => lifespan.lifespan,
    set: (value: Application['lifespan']) => {
      application.lifespan = value
    },
  })
}

/** Calls the application, now or later with what it returns looked at. */
function follow(application: Application, call: LintedCall): ResponseBody | Promise<ResponseBody> {
  let result: ResponseBody | Promise<ResponseBody>
  try {
    result = application(call.environ, call.startResponse)
  } catch (error) {
    call.failed()
    throw error
  }
  if (!(result instanceof Object && 'then' in result)) return call.take(result)
  return result.then(
    (body) => call.take(body),
    (error: unknown) => {
      call.failed()
      throw error
    },
  )
}
