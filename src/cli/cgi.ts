import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { locateApp } from '../loading/app-specifier.ts'
import type { AppLocation } from '../loading/app-specifier.ts'
import { prepareApplication } from '../loading/prepare-application.ts'
import type { ServedApplication } from '../loading/prepare-application.ts'
import { loaderReason, loaderUrl, retryReason } from '../loading/typescript-loader.ts'
import { createLogger, writeToStderr } from '../process/log.ts'
import { serveCgiRequest } from '../server/cgi-request.ts'
import { cgiVariables, environmentBytes, forgetRequest } from '../server/cgi-variables.ts'
import type { CgiVariables } from '../server/cgi-variables.ts'
import { shutDown } from '../server/lifespan.ts'
import type { CgiOptions } from './cgi-options.ts'

/** What an application gets to close what it holds behind its one response, milliseconds. */
const CLOSE_MS = 5000

/** Set in a process that was started anew with the TypeScript loader. Not from a client: those have HTTP_ names only. */
const LOADER_VARIABLE = 'TSGI_CGI_LOADER'

/**
 * Serves the one request that the environment and standard input hold, on standard output. Resolves to the exit code.
 *
 * Rejects with `TSGI_ERR_CGI` where there is no request. An application that cannot be loaded is a 500 for the client, as whatever
 * else is wrong here: what is wrong is told to standard error, which is the web server's log.
 */
export async function cgi(app: string, options: CgiOptions): Promise<number> {
  const { stdout } = process
  const variables = cgiVariables(environmentBytes())
  keepStdoutClean()
  const log = createLogger({ level: 'warn', write: writeToStderr })
  const withLoader = process.env[LOADER_VARIABLE] === '1'
  let application: ServedApplication
  try {
    const location = locateApp(app, process.cwd())
    const loaded = await load(location, options, withLoader, log)
    if (loaded === 'with-loader') return await startAnew()
    await loaded.lifespan.startup()
    application = loaded
  } catch (error) {
    log.error(`${app} cannot be loaded`, error)
    stdout.write('Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nInternal Server Error\n')
    return 1
  }
  await serve(application, variables, options, log)
  await shutDown(application.lifespan, CLOSE_MS, log)
  const closed = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())
  await Promise.race([application.close(), closed])
  application.finish()
  return 0
}

function serve(
  { handler }: ServedApplication,
  { params, mountPoint }: CgiVariables,
  options: CgiOptions,
  log: Logger,
): Promise<void> {
  return serveCgiRequest({
    context: {
      mountPoint: options.mountPoint ?? mountPoint,
      multiprocess: true,
      runOnce: true,
      log,
      probeToken: undefined,
      access: undefined,
    },
    handler,
    params,
    input: () => process.stdin,
    output: STDOUT,
    maxRequestBodyBytes: options.limitRequestBodyBytes,
    requestTimeoutMs: options.requestTimeoutMs,
  })
}

const STDOUT = process.stdout

/** Standard output is the response: what an application prints would be a part of it, or stand ahead of its head. */
function keepStdoutClean(): void {
  Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, get: () => process.stderr })
}

/** The application, or that it takes the TypeScript loader, which comes too late once an import has failed. */
async function load(
  location: AppLocation,
  options: CgiOptions,
  withLoader: boolean,
  log: Logger,
): Promise<ServedApplication | 'with-loader'> {
  const loader = withLoader || loaderReason(location.file) !== undefined
  // What the application sees is what it would see in a worker: nothing that a client has put into the arguments or the environment.
  process.argv = [process.execPath, location.file]
  process.env['NODE_ENV'] ??= 'production'
  const environment = { ...process.env }
  forgetRequest(process.env)
  Reflect.deleteProperty(process.env, LOADER_VARIABLE)
  process.setSourceMapsEnabled(true)
  if (loader) await import(loaderUrl())
  try {
    return await prepareApplication({
      location,
      loader,
      interface: options.interface,
      log,
      // There is one request, and the process ends behind it anyway.
      onClose: (finished) => finished(),
      onWaiting: () => {},
      onIdle(listener) {
        process.once('beforeExit', listener)
        return () => process.off('beforeExit', listener)
      },
    })
  } catch (error) {
    if (loader || !(error instanceof TsgiError) || retryReason(error.cause) === undefined) throw error
    process.env = environment
    return 'with-loader'
  }
}

/** The same command, which reads the same request: nothing of its body has been read yet. Resolves to its exit code. */
async function startAnew(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...ORIGINAL_ARGUMENTS], {
    stdio: 'inherit',
    env: { ...process.env, [LOADER_VARIABLE]: '1' },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

const ORIGINAL_ARGUMENTS = process.argv.slice(1)
