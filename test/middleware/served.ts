import { onTestFinished } from 'vitest'
import { serve } from '../../src/index.ts'
import type { Application, Environ } from '../../src/index.ts'
import type { Logger } from '../../src/interface/logger.ts'

/** Serves an application over HTTP until the test ends. Gives its address, and what the server has logged. */
export async function served(application: Application): Promise<{ base: string; errors: string[] }> {
  const errors: string[] = []
  const log: Logger = {
    error: (message, error) => errors.push(`${message} ${String(error)}`),
    warn: (message, error) => errors.push(`${message} ${String(error)}`),
    info() {},
    debug() {},
  }
  const server = await serve({ application, bind: '127.0.0.1:0', log })
  onTestFinished(() => server.close())
  return { base: `http://${server.address}`, errors }
}

/** Answers with what it sees of these keys of the environ. */
export function reporter(...keys: readonly string[]): Application {
  return (environ: Environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'application/json']])
    return JSON.stringify(Object.fromEntries(keys.map((key) => [key, environ[key]])))
  }
}

/** A text of its own. */
export function saying(text: string, type = 'text/plain'): Application {
  return (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', type]])
    return text
  }
}
