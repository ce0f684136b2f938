import { workerRights } from '../process/worker-rights.ts'
import { workerVariables } from '../settings/env-file.ts'
import type { Settings } from '../settings/settings.ts'
import { findProxy } from './find-proxy.ts'
import { prepare } from './plan.ts'
import type { StartOptions, Undo } from './plan.ts'
import { testConfiguration } from './proxy-process.ts'
import { checkForeign, describeServerRoot } from './server-root.ts'
import { takeBack } from './start-server.ts'
import { rulesOf } from './site.ts'
import { withEnviron } from './user-files.ts'

/**
 * Tests what a start would need, and starts nothing: the application's file, the env files, the proxy and, by its own test, its
 * configuration. The server that is to be reloaded may be running: this looks at another port and at a server root of its own.
 * Resolves to what was found.
 *
 * Rejects with what a start would say.
 */
export async function checkServer({ app, settings }: StartOptions): Promise<string[]> {
  const undo: Undo[] = []
  try {
    workerVariables(withEnviron(settings), process.env)
    workerRights(settings)
    const httpsPort = settings.httpsPort === undefined ? undefined : 0
    const apart = { port: 0, httpsPort, serverRoot: undefined, pidFile: undefined, logToTerminal: false }
    const includeFile = [...settings.includeFile, ...(await ownRules(settings))]
    const { proxy, root, logs } = await prepare({ app, settings: { ...settings, ...apart, includeFile } }, undo)
    const named = describeServerRoot(settings.serverRoot, settings.mount.length, proxy)
    checkForeign(named, { proxied: proxy !== undefined, chain: settings.sslCertificateChainFile !== undefined, script: false })
    if (proxy === undefined) return [app, 'no proxy']
    await testConfiguration(proxy, root, logs, root.configurationPath)
    return [app, `${proxy.type}/${proxy.version}`]
  } finally {
    await takeBack(undo)
  }
}

/** The rules in the server root that is named, which is not the one that is tested in. */
async function ownRules({ serverRoot, serverType, proxyExecutable }: Settings<'start-server'>): Promise<string[]> {
  const proxy = serverRoot === undefined ? undefined : await findProxy(serverType, proxyExecutable)
  return proxy === undefined ? [] : rulesOf(describeServerRoot(serverRoot, 0), proxy.type)
}
