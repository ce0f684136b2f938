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

/**
 * What a reload changes: everything that workers are told, but for `fixed`, which something else was told at the start, too.
 * Says in the log which other settings have changed, as those wait for a restart.
 *
 * `first`: what the server was started with. `read` gives what holds now; the result rejects with what it rejects with.
 */
export function rereadOptions(
  first: RereadSettings,
  read: () => Promise<RereadSettings>,
  log: Logger,
  fixed: readonly (keyof MasterOptions)[] = [],
): () => Promise<Partial<MasterOptions>> {
  const dropped = new Set<string>(['log', 'logLevel', ...fixed])
  const taken = ({ app, settings, file }: RereadSettings): Partial<MasterOptions> =>
    Object.fromEntries(Object.entries(workerOptions(settings, app, log, file)).filter(([name]) => !dropped.has(name)))
  return async () => {
    const next = await read()
    const before = JSON.stringify(taken(first))
    const waiting = Object.entries(next.settings).filter(([key, value]) => {
      if (JSON.stringify(value) === JSON.stringify(Reflect.get(first.settings, key))) return false
      // One setting alone: whether it makes a difference to the workers shows whether it is among what they are told.
      return JSON.stringify(taken({ ...first, settings: { ...first.settings, [key]: value } })) === before
    })
    if (waiting.length > 0) log.warn(`changed, but not before the next start: ${waiting.map(([key]) => key).join(', ')}`)
    return taken(next)
  }
}
