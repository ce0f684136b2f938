import type { Hooks } from './hooks.ts'
import type { SETTINGS, SettingKey } from './settings-table.ts'

/** What may not stand in the file: it is about the file, or about one run. */
type OutsideTheFile = 'config' | 'checkConfig' | 'printConfig'

/** What the file may hold for a kind of value: a number where a number is meant, else what the command line takes. */
type Written<S> = S extends { kind: { written?: infer W } } ? Exclude<W, undefined> : never

/**
 * `tsgi.config.ts`: the settings by their keys, see docs/settings.md. Durations are seconds or text such as `'500ms'`, sizes
 * bytes or text such as `'10MB'`. Paths are relative to the file.
 */
export type Config = {
  readonly [K in Exclude<SettingKey, OutsideTheFile>]?: Written<(typeof SETTINGS)[K]> | undefined
} & {
  /** `processes`, as `tsgi serve` calls it. */
  readonly workers?: Written<(typeof SETTINGS)['processes']> | undefined
  /** What the command line calls APP: `path[:export]`, relative to the file. */
  readonly app?: string | undefined
  readonly hooks?: Hooks | undefined
}

/** A configuration, or what makes one: it is called at the start and at every reload. */
export type ConfigExport = Config | (() => Config | Promise<Config>)

/** Gives its argument back; it is there for the types: `export default defineConfig({ processes: 4 })`. */
export function defineConfig(config: Config): Config
export function defineConfig(config: () => Config | Promise<Config>): () => Config | Promise<Config>
export function defineConfig(config: ConfigExport): ConfigExport {
  return config
}
