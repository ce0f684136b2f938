import { TsgiError } from '../interface/errors.ts'
import { errorLines } from '../process/log.ts'
import { cgi } from './cgi.ts'
import { cgiOptions } from './cgi-options.ts'
import type { CgiFlag } from './cgi-options.ts'

/** Runs `tsgi cgi` and exits the process. */
export async function cgiMain(app: string, given: Partial<Record<CgiFlag, string>>): Promise<never> {
  // A server that has gone: the request is over, and says so where it is written.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  let code: number
  try {
    code = await cgi(app, cgiOptions(given, process.env))
  } catch (error) {
    process.stderr.write(`tsgi: ${errorLines(error).join('\n')}\n`)
    code = error instanceof TsgiError ? 2 : 1
  }
  process.exit(code)
}
