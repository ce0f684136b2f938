import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import { TsgiError } from '../interface/errors.ts'
import type { Site } from '../proxy/site.ts'
import { tryApache } from './apache-trial.ts'
import type { LogPipes } from './log-pipes.ts'
import type { ProxyDriver } from './proxy-driver.ts'
import type { ServerRoot } from './server-root.ts'
import { siteOf } from './site.ts'
import type { SiteSources } from './site.ts'
import { unusableRoot } from './unusable-root.ts'

/**
 * Bytes that must be free where the proxy writes its pid, or it ends. Some of them go to the logs of a busy site until it has: more
 * than it writes in the tenth of a second that this takes.
 */
const ROOM_BYTES = 1024 * 1024

/**
 * What a proxy runs with that reads all of its configuration anew whenever somebody makes it open its logs: a copy, with copies of
 * every file that it names, so that nothing is read that was not tested and taken: no certificate that is half written, no rules
 * that are being edited, no file that a set-up for the next start has left. `current` leads to it.
 */
export class RunningConfiguration {
  readonly #root: ServerRoot
  readonly #proxy: ProxyDriver
  /** Where it writes its logs. */
  readonly pipes: LogPipes
  #number = 0
  #copied: Site | undefined

  constructor(root: ServerRoot, proxy: ProxyDriver, pipes: LogPipes) {
    this.#root = root
    this.#proxy = proxy
    this.pipes = pipes
  }

  /**
   * Copies what the next one is made of, for a test. Gives the path of its text. The one that is read stays. Throws
   * `TSGI_ERR_SERVER_ROOT`, also where the disk is full.
   */
  copy(sources: SiteSources): string {
    const directory = this.#directory(this.#number + 1)
    const path = join(directory, this.#proxy.configurationName)
    try {
      rmSync(directory, { recursive: true, force: true })
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const site = copiedSite(siteOf(sources), directory)
      this.#copied = { ...site, logs: this.pipes.targets(site.logs) }
      writeFileSync(path, this.#proxy.configuration(this.#copied).text, { mode: 0o600 })
      return path
    } catch (error) {
      throw unusableRoot(directory, error)
    }
  }

  /** Has the last copy tried out. Throws `TSGI_ERR_PROXY_CONFIG` with the proxy's words, `TSGI_ERR_SERVER_ROOT`. */
  async tryOut(): Promise<void> {
    if (this.#copied === undefined || this.#proxy.type !== 'apache') return
    const directory = join(this.#root.runningPath, 'trial')
    try {
      rmSync(directory, { recursive: true, force: true })
      mkdirSync(directory, { mode: 0o700 })
      await tryApache(this.#proxy, this.#copied, directory)
    } catch (error) {
      throw error instanceof TsgiError ? error : unusableRoot(directory, error)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }

  /** The last copy is what the proxy reads from now on. */
  take(): void {
    this.#number += 1
    const { runningPath } = this.#root
    const next = join(runningPath, 'next')
    rmSync(next, { force: true })
    symlinkSync(String(this.#number), next)
    renameSync(next, join(runningPath, 'current'))
    // The one before may be being read in this moment.
    if (this.#number > 2) rmSync(this.#directory(this.#number - 2), { recursive: true, force: true })
  }

  /** Throws where the proxy could not write what it writes when it reads its configuration. */
  checkRoom(): void {
    const path = join(this.#root.runningPath, 'room')
    try {
      writeFileSync(path, Buffer.alloc(ROOM_BYTES))
    } catch (error) {
      throw unusableRoot(path, error)
    } finally {
      rmSync(path, { force: true })
    }
  }

  #directory(number: number): string {
    return join(this.#root.runningPath, String(number))
  }
}

/** The same site by copies of the files that the proxy reads while it takes its configuration. */
function copiedSite(site: Site, directory: string): Site {
  let count = 0
  const copied = (path: string): string => {
    count += 1
    // Its own name stands in the proxy's messages.
    const copy = join(directory, `${count}-${basename(path)}`)
    copyFileSync(path, copy)
    return copy
  }
  const { tls, includeFiles } = site
  return {
    ...site,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...tls,
            certificateFile: copied(tls.certificateFile),
            keyFile: copied(tls.keyFile),
            ...(tls.clients === undefined ? {} : { clients: { ...tls.clients, caFile: copied(tls.clients.caFile) } }),
          },
        }),
    includeFiles: includeFiles.map(copied),
  }
}
