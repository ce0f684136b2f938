import { workerRights } from '../process/worker-rights.ts'
import { workerVariables } from '../settings/env-file.ts'
import { prepare } from './plan.ts'
import type { StartOptions, Undo } from './plan.ts'
import { testConfiguration } from './proxy-process.ts'
import { takeBack } from './start-server.ts'

/**
 * Tests what a start would need, and starts nothing: the application's file, the env files, the proxy and, by `nginx -t`, its
 * configuration. The server that is to be reloaded may be running: this looks at another port and at a server root of its own.
 * Resolves to what was found.
 *
 * Rejects with what a start would say.
 */
export async function checkServer({ app, settings }: StartOptions): Promise<string[]> {
  const undo: Undo[] = []
  try {
    workerVariables(settings, process.env)
    workerRights(settings)
    const httpsPort = settings.httpsPort === undefined ? undefined : 0
    const apart = { port: 0, httpsPort, serverRoot: undefined, pidFile: undefined, logToTerminal: false }
    const { proxy, root, logs } = await prepare({ app, settings: { ...settings, ...apart } }, undo)
    if (proxy === undefined) return [app, 'no proxy']
    await testConfiguration(proxy, root, logs)
    return [app, `nginx/${proxy.version}`]
  } finally {
    await takeBack(undo)
  }
}
