import type { Logger } from '../interface/logger.ts'
import type { MasterOptions } from './master-options.ts'
import type { SettingsFile } from '../settings/settings-file.ts'
import type { Settings } from '../settings/settings.ts'
import { workerOptions } from './worker-options.ts'

/** What a reload needs of what a command was told. */
export interface RereadSettings {
  readonly app: string
  readonly settings: Settings<'serve'> | Settings<'start-server'>
  readonly file?: SettingsFile | undefined
}

/** What a reload changes beside the workers: a proxy. */
export interface AlsoReloaded {
  /** What it is told: two equal texts make no difference to it. Throws where it could not be told. */
  told(next: RereadSettings): string
  /** Makes ready for it. Rejects where that cannot be; then nothing is to change. */
  prepare(next: RereadSettings): Promise<void>
}

/**
 * What a reload changes: everything that workers are told, and what `also` is told. Says in the log which other settings have
 * changed, as those wait for a restart.
 *
 * `first`: what the server was started with. `read` gives what holds now; the result rejects with what it, or `also`, rejects with.
 */
export function rereadOptions(
  first: RereadSettings,
  read: () => Promise<RereadSettings>,
  log: Logger,
  also?: AlsoReloaded,
): () => Promise<Partial<MasterOptions>> {
  const dropped = new Set<string>(['log', 'logLevel', 'metrics'])
  const taken = ({ app, settings, file }: RereadSettings): Partial<MasterOptions> =>
    Object.fromEntries(Object.entries(workerOptions(settings, app, log, file)).filter(([name]) => !dropped.has(name)))
  return async () => {
    const next = await read()
    const effect = (settings: RereadSettings['settings']): string => effectOf({ ...first, settings }, taken, also)
    const before = effect(first.settings)
    const waiting = Object.entries(next.settings).filter(([key, value]) => {
      if (JSON.stringify(value) === JSON.stringify(Reflect.get(first.settings, key))) return false
      // One setting alone: whether it makes a difference shows whether it is among what they are told.
      return effect({ ...first.settings, [key]: value }) === before
    })
    if (waiting.length > 0) log.warn(`changed, but not before the next start: ${waiting.map(([key]) => key).join(', ')}`)
    await also?.prepare(next)
    return taken(next)
  }
}

/** What settings change, as a text. Some make sense together only: one that is refused by itself has an effect. */
function effectOf(next: RereadSettings, taken: (next: RereadSettings) => object, also: AlsoReloaded | undefined): string {
  try {
    return JSON.stringify([taken(next), also?.told(next)])
  } catch (error) {
    return String(error)
  }
}
