import { createHash } from 'node:crypto'
import { readFileSync, renameSync } from 'node:fs'

import type { AlsoReloaded, RereadSettings } from '../process/reread-settings.ts'
import type { Settings } from '../settings/settings.ts'
import { checkOptions } from './check-options.ts'
import { configurationOf } from './configuration.ts'
import { writeConfiguration } from './plan.ts'
import type { ProxyDriver } from './proxy-driver.ts'
import type { Plan } from './plan.ts'
import type { RunningConfiguration } from './running-configuration.ts'
import { rulesOf } from './site.ts'
import { certificateOf } from './survey.ts'
import { testConfiguration } from './proxy-process.ts'
import type { ProxyProcess } from './proxy-process.ts'

/** What a running server keeps: its addresses, its masters and its logs were made from them. */
const KEPT = ['host', 'port', 'httpsPort', 'mount', 'user', 'group', 'serverRoot', 'accessLog', 'errorLog', 'processes'] as const

/**
 * The proxy's part in a reload. A new configuration is tested before the first worker is replaced, and taken by the proxy once all
 * are. One that says what the old one said, by the same certificates, is left alone: each reload of the proxy closes idle
 * connections of clients.
 */
export class ProxyReload implements AlsoReloaded {
  readonly #plan: Plan
  readonly #proxy: ProxyDriver
  readonly #process: ProxyProcess
  readonly #taken: RunningConfiguration | undefined
  #running: string
  #ready: string | undefined

  constructor(plan: Plan, proxy: ProxyDriver, proxyProcess: ProxyProcess, taken: RunningConfiguration | undefined) {
    this.#plan = plan
    this.#proxy = proxy
    this.#process = proxyProcess
    this.#taken = taken
    this.#running = fingerprint(configurationOf(plan, proxy).text, plan)
  }

  told(next: RereadSettings): string {
    const plan = this.#planOf(next)
    return fingerprint(configurationOf(plan, this.#proxy).text, plan)
  }

  /** Rejects with what a start would say: `TSGI_ERR_OPTION`, `TSGI_ERR_PROXY_CONFIG`. */
  async prepare(next: RereadSettings): Promise<void> {
    this.#ready = undefined
    const plan = this.#planOf(next)
    checkOptions(plan.settings, true)
    const certificate = certificateOf(plan.settings)
    const print = fingerprint(configurationOf(plan, this.#proxy).text, plan)
    if (print === this.#running) return
    writeConfiguration(plan, this.#proxy, certificate, this.#nextPath)
    await testConfiguration(this.#proxy, plan.root, plan.logs, this.#nextPath)
    if (this.#taken !== undefined) {
      await testConfiguration(this.#proxy, plan.root, plan.logs, this.#taken.copy(plan))
      await this.#taken.tryOut()
    }
    this.#ready = print
  }

  /**
   * The workers are as the settings are now: the proxy follows, if there is something new. Whether there was. Throws
   * `TSGI_ERR_SERVER_ROOT` where there is no room on the disk any more; then it stays as it is, and the next reload begins anew.
   */
  apply(): boolean {
    if (this.#ready === undefined) return false
    this.#taken?.checkRoom()
    renameSync(this.#nextPath, this.#plan.root.configurationPath)
    this.#taken?.take()
    this.#running = this.#ready
    this.#ready = undefined
    this.#process.reload()
    return true
  }

  get #nextPath(): string {
    return `${this.#plan.root.configurationPath}.next`
  }

  #planOf(next: RereadSettings): Plan {
    const kept = Object.fromEntries(KEPT.map((key) => [key, this.#plan.settings[key]]))
    // The launcher reads the settings of start-server only.
    const settings = next.settings as Settings<'start-server'>
    return { ...this.#plan, settings: { ...settings, ...kept } }
  }
}

/** Changes with the text, and with the files that the proxy reads when it takes it. */
function fingerprint(text: string, { settings, root, proxy }: Plan): string {
  const hash = createHash('sha256').update(text)
  const { sslCertificateFile, sslCertificateKeyFile, sslCertificateChainFile, sslCaCertificateFile, includeFile } = settings
  const rules = proxy === undefined ? [] : rulesOf(root, proxy.type)
  const certificates = [sslCertificateFile, sslCertificateKeyFile, sslCertificateChainFile, sslCaCertificateFile]
  for (const file of [...certificates, ...includeFile, ...rules]) {
    if (file !== undefined) hash.update('\0').update(contentOf(file))
  }
  return hash.digest('hex')
}

/** A file that cannot be read is found by whoever needs it. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}
