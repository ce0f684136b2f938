import type { Application, Environ } from '../../interface/application.ts'
import { handle } from '../../gateway/in-process.ts'
import type { HandleOptions } from '../../gateway/in-process.ts'
import { TestResponse } from './test-response.ts'

export interface RunOptions extends HandleOptions {
  /** True: resolves when the application has done all it does, with the whole body; else as soon as the head is there. */
  readonly buffered?: boolean
}

/**
 * Calls an application as a server would, without one: `const { status, headers, body } = await runApplication(application, createEnviron('/'))`.
 * It is held to a server's rules: heads are checked, Content-Length holds, HEAD has no body, and what it returns is closed. Read the body or close it.
 *
 * Rejects with what the application throws; with `raiseErrors: false` it is answered with 500.
 */
export async function runApplication(
  application: Application,
  environ: Environ,
  { buffered = false, ...options }: RunOptions = {},
): Promise<TestResponse> {
  const { status, headers, body } = await handle(application, environ, options)
  const response = new TestResponse(body, { status, headers, contentType: null }, environ)
  if (buffered) await response.data()
  return response
}
