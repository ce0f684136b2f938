import { basename } from 'node:path'
import type { Server } from 'node:http'
import { nodeApplication, servesApplication } from '../adapters/framework.ts'
import { nodeHandler } from '../adapters/node-application.ts'
import type { Application } from '../interface/application.ts'
import type { Logger } from '../interface/logger.ts'
import type { FailurePage } from '../gateway/failure-page.ts'
import type { RequestHandler } from '../gateway/request-handler.ts'
import { applicationHandler } from '../gateway/run-application.ts'
import { LifespanRunner } from '../server/lifespan.ts'
import type { AppLocation } from './app-specifier.ts'
import { detectApplication } from './detect-application.ts'
import type { InterfaceChoice, LoadedApplication } from './detect-application.ts'
import { lifespanOf } from './lifespan-of.ts'
import { loadExports } from './load-application.ts'
import { refuseForks } from './refuse-forks.ts'
import { StartedServer } from './started-server.ts'

/** An application that is ready to serve. */
export interface ServedApplication {
  readonly kind: LoadedApplication['kind']
  /** Undefined: the server that the script starts by itself. */
  readonly exportName: string | undefined
  readonly handler: RequestHandler
  /** What the application does before its first request and behind its last one. */
  readonly lifespan: LifespanRunner
  /** For the end of the process, when the last request is finished: the application closes what it holds. */
  close(): Promise<void>
  /** Tells the servers that the script has started that they are closed. */
  finish(): void
}

export interface ApplicationOptions {
  readonly location: AppLocation
  /** Whether this process runs with the TypeScript loader. */
  readonly loader: boolean
  readonly interface: InterfaceChoice
  readonly log: Logger
  /** The application closes its own server; calls back when the requests in flight are finished. */
  readonly onClose: (finished: () => void) => void
  /** The module is loaded and exports no application: whether it starts a server is waited for. */
  readonly onWaiting: () => void
  /** Calls `listener` when nothing that the script has begun can still go on; the result is called when nobody waits any more. */
  readonly onIdle: (listener: () => void) => () => void
  /** Puts something around a TSGI application. */
  readonly around?: ((application: Application) => Application) | undefined
  /** Of a server in development. */
  readonly failurePage?: FailurePage | undefined
}

/**
 * Loads an application of any kind: imports its module, finds what it exports or the server that it starts, and makes that
 * ready. While it loads, and from then on, the port that it opens for itself stays closed: the workers' socket stands for it.
 *
 * Rejects with `TSGI_ERR_APP_LOAD`, `TSGI_ERR_APP_EXPORT`, `TSGI_ERR_APP_AMBIGUOUS`, `TSGI_ERR_LIFESPAN`.
 */
export async function prepareApplication(options: ApplicationOptions): Promise<ServedApplication> {
  const { location, log, failurePage } = options
  const name = basename(location.file)
  const started = new StartedServer({ ...options, name })
  const finish = (): void => started.finish()
  refuseForks(name)
  const exports = await loadExports(location, options.loader)
  const named = location.exportName === undefined ? {} : { exportName: location.exportName }
  const lifespan = (application: unknown, strict = false): LifespanRunner =>
    new LifespanRunner(lifespanOf(exports, application, strict))
  const captured = (server: Server): ServedApplication => {
    started.serve(server)
    log.info(`${name} starts a server${portOf(server)}: its requests come from the workers' socket`)
    return {
      kind: 'node',
      exportName: undefined,
      handler: nodeHandler(server, log, failurePage),
      lifespan: lifespan(server),
      close: async () => {},
      finish,
    }
  }
  let loaded: LoadedApplication
  try {
    loaded = detectApplication(exports, { name, ...named, interface: options.interface })
  } catch (error) {
    const mayListen = location.exportName === undefined && (options.interface === 'auto' || options.interface === 'node')
    const server = mayListen ? await started.first(error) : undefined
    if (server === undefined) throw error
    return captured(server)
  }
  const server = await started.insteadOf(loaded)
  if (server !== undefined) return captured(server)
  const { kind, exportName } = loaded
  switch (loaded.kind) {
    case 'tsgi': {
      started.release()
      const application = options.around === undefined ? loaded.application : options.around(loaded.application)
      return {
        kind,
        exportName,
        handler: applicationHandler(application),
        lifespan: lifespan(application, true),
        close: async () => {},
        finish,
      }
    }
    case 'fetch': {
      // Node makes its Request and Response when they are first looked at, which takes 15 ms that other applications need not wait for.
      const { fetchHandler } = await import('../adapters/fetch-application.ts')
      started.keep()
      return {
        kind,
        exportName,
        handler: fetchHandler(loaded.application),
        lifespan: lifespan(loaded.application),
        close: async () => {},
        finish,
      }
    }
    case 'node': {
      const { server, close } = await served(started, loaded.value)
      return {
        kind,
        exportName,
        handler: nodeHandler(server, log, failurePage),
        lifespan: lifespan(loaded.value),
        close: async () => close?.(),
        finish,
      }
    }
  }
}

/** The port that a script asked for, which stays closed. */
function portOf(server: Server): string {
  const address = server.address()
  return typeof address === 'object' && address !== null && address.port !== 0 ? ` on port ${address.port}` : ''
}

/** The server that the script itself has made for what it exports, which may have more listeners, else one of ours. */
async function served(started: StartedServer, value: unknown): ReturnType<typeof nodeApplication> {
  const application = await nodeApplication(value)
  const own = started.captured
  const server = own !== undefined && servesApplication(own, value) ? own : application.server
  started.serve(server, value)
  return { ...application, server }
}

/** The kind, for the person who has started it. */
export function describeKind({ kind, exportName }: Pick<ServedApplication, 'kind' | 'exportName'>): string {
  switch (kind) {
    case 'tsgi':
      return 'TSGI'
    case 'fetch':
      return 'fetch'
    case 'node':
      return exportName === undefined ? 'Node, captured' : 'Node'
  }
}
