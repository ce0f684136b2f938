import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import type { Site } from '../proxy/site.ts'
import { cleanLines, quoteLines } from './log-files.ts'
import { checkPort } from './port-check.ts'
import type { ApacheDriver } from './proxy-driver.ts'
import { runToItsEnd } from './proxy-process.ts'

/** Where a trial listens: nobody can reach it from outside in the moment that it takes. */
const HOST = '127.0.0.1'

/** Lines of its log that are quoted. */
const QUOTED_LINES = 10

/**
 * Starts an httpd with the configuration, and sees how far it comes. `-t` reads no certificate: a key that OpenSSL finds too short
 * passes it, and would end the running httpd. It ends by itself before it serves anybody. `directory`: for its files, ours alone.
 *
 * Throws `TSGI_ERR_PROXY_CONFIG` with httpd's words.
 */
export async function tryApache(proxy: ApacheDriver, site: Site, directory: string): Promise<void> {
  const [configuration, errorLog] = [join(directory, 'trial.conf'), join(directory, 'trial.log')]
  const pidPath = join(directory, 'nowhere', proxy.pidName)
  const ports = await freePorts(site.listen.length + (site.tls?.listen.length ?? 0))
  const address = (): { host: string; port: number } => ({ host: HOST, port: ports.pop() ?? 0 })
  writeFileSync(configuration, proxy.trial(site, { address, errorLog, pidPath }), { mode: 0o600 })
  const { problem, stderr } = await runToItsEnd(proxy, proxy.runArguments({ root: directory, configuration, errorLog }), 'ignore')
  const lines = linesOf(errorLog)
  if (lines.some((line) => line.includes(pidPath))) return
  throw new TsgiError(
    'TSGI_ERR_PROXY_CONFIG',
    `${quote(proxy.executable)} would not start with it: it ${problem ?? 'ended'}${quoteLines('It says:', [...cleanLines(stderr), ...lines].slice(-QUOTED_LINES))}`,
  )
}

/** So many ports that nobody listens on, each another one. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) for (const { port } of await checkPort(HOST, 0)) ports.add(port)
  return [...ports]
}

function linesOf(file: string): string[] {
  try {
    return cleanLines(readFileSync(file, 'utf8'))
  } catch {
    // It never came so far.
    return []
  }
}
