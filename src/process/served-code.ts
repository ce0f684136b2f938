import { basename } from 'node:path'
import { locateApp } from '../loading/app-specifier.ts'
import type { AppLocation } from '../loading/app-specifier.ts'
import { LOADER_NAME, loaderReason } from '../loading/typescript-loader.ts'
import type { MasterOptions } from './master-options.ts'
import { spawnWorker } from './spawn-worker.ts'
import type { SpawnOptions } from './spawn-worker.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What the workers of one generation serve, and how: the application's file, whether it wants a loader, and the options. */
export class ServedCode {
  readonly options: MasterOptions
  readonly #location: AppLocation
  #loader: boolean

  /** Throws `TSGI_ERR_APP_NOT_FOUND`. */
  static locate(options: MasterOptions): ServedCode {
    const location = locateApp(options.app, process.cwd())
    const code = new ServedCode(options, location, false)
    const reason = loaderReason(location.file)
    if (reason !== undefined) code.useLoader(reason)
    return code
  }

  private constructor(options: MasterOptions, location: AppLocation, loader: boolean) {
    this.options = options
    this.#location = location
    this.#loader = loader
  }

  /** The application's file, as messages name it. */
  get name(): string {
    return basename(this.#location.file)
  }

  useLoader(reason: string): void {
    if (!this.#loader) this.options.log.info(`${this.name} is loaded with ${LOADER_NAME}: ${reason}`)
    this.#loader = true
  }

  /** The same code under other options. */
  with(changes: Partial<MasterOptions>): ServedCode {
    return new ServedCode({ ...this.options, ...changes }, this.#location, this.#loader)
  }

  spawn(worker: Omit<SpawnOptions, 'options' | 'location' | 'loader'>): WorkerProcess {
    return spawnWorker({ ...worker, options: this.options, location: this.#location, loader: this.#loader })
  }
}
