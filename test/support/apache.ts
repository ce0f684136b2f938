import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apacheDriver } from '../../src/launcher/apache-driver.ts'
import type { ApacheDriver } from '../../src/launcher/proxy-driver.ts'
import type { ListenAddress, Site, Wire } from '../../src/proxy/site.ts'
import { siteIn } from '../proxy/sites.ts'
import type { SiteChanges } from '../proxy/sites.ts'
import { accepts, freePort } from './nginx.ts'
import { apacheAnswers } from './apache-answers.ts'
import { findExecutable } from './requirements.ts'

export interface RunningApache {
  port: number
  pid: number
  /** What httpd has written to its error log. */
  errorLog(): Promise<string>
  accessLog(): Promise<string>
  stop(): Promise<void>
}

/** Ports that were free a moment ago may be taken by then. */
const ATTEMPTS = 5

/** Runs a private httpd with the launcher's own configuration for these changes of a site, until `stop`. */
export async function startApache(wire: Wire, socketPath: string, changes: SiteChanges = {}): Promise<RunningApache> {
  for (let attempt = 1; ; attempt++) {
    try {
      const address = { host: '127.0.0.1', port: await freePort() }
      return await startApacheAt(address, { wire, socketPath, limits: { requestBodyBytes: 0 }, ...changes })
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

/** httpd waits up to 10 s for a child of its own that has a connection left. */
const STOP_PATIENCE_MS = 500

function endChildren(pid: number | undefined): void {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    for (const one of children.split(' ').filter((text) => text !== '')) process.kill(Number(one), 'SIGKILL')
  } catch {
    // It has ended by now, or this is not Linux.
  }
}

/** A site whose httpd can reach the sockets of the test, which only its own user can. */
function siteOf(directory: string, address: ListenAddress, changes: SiteChanges): Site {
  return siteIn(directory, {
    listen: [address],
    serverName: 'tsgi.test',
    pidPath: join(directory, 'httpd.pid'),
    // httpd does not run as root.
    ...(process.getuid?.() === 0 ? { runAs: { user: 'www-data', group: 'www-data' } } : {}),
    ...changes,
  })
}

/** The same on this address. `write`: what the configuration is, where it is not the launcher's own. */
export async function startApacheAt(
  address: ListenAddress,
  changes: SiteChanges,
  write = (site: Site, driver: ApacheDriver): string => driver.configuration(site).text,
): Promise<RunningApache> {
  const executable = findExecutable('apache2')
  if (executable === undefined) throw new Error('apache2 is not installed')
  const { version, modules } = apacheAnswers()
  const driver = apacheDriver(executable, version, modules)
  const directory = await mkdtemp(join(tmpdir(), 'tsgi-apache-'))
  await chmod(directory, 0o755)
  const configuration = join(directory, driver.configurationName)
  const [errorLog, accessLog] = [join(directory, 'error.log'), join(directory, 'access.log')]
  await writeFile(configuration, write(siteOf(directory, address, changes), driver))
  const files = { root: directory, configuration, errorLog }
  const child = spawn(executable, driver.runArguments(files), { stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text))
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`httpd ended with ${code ?? signal}: ${words}`))
    child.once('error', (error) => resolve(error.message))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => endChildren(child.pid), STOP_PATIENCE_MS)
    await exited
    clearTimeout(timer)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.race([accepts(address.port, child, address.host), exited.then((how) => Promise.reject(new Error(how)))])
  } catch (error) {
    const log = await readFile(errorLog, 'utf8').catch(() => '')
    await stop()
    throw new Error(`${String(error)}\n${log}`, { cause: error })
  }
  return {
    port: address.port,
    pid: child.pid ?? 0,
    errorLog: () => readFile(errorLog, 'utf8'),
    accessLog: () => readFile(accessLog, 'utf8'),
    stop,
  }
}
