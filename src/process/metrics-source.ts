import type { WorkerEvent } from '../metrics/application-metrics.ts'
import type { MetricsSnapshot } from '../metrics/metric-families.ts'
import type { Master } from './master.ts'
import { packageVersion } from './package-version.ts'

type Counting = Pick<Master, 'metrics' | 'options' | 'size' | 'workers'>

/** What is counted of the applications of a server. */
export class MetricsSource {
  readonly #masters: readonly Counting[]
  readonly #startedAt = Date.now() - Math.round(performance.now())

  constructor(masters: readonly Counting[]) {
    this.#masters = masters
  }

  /** Whether anything is. */
  get counts(): boolean {
    return this.#masters.some(({ metrics }) => metrics !== undefined)
  }

  /** What is known, which is a second old at most. */
  snapshot(): MetricsSnapshot {
    return {
      at: Date.now(),
      startedAt: this.#startedAt,
      version: packageVersion(),
      node: process.version,
      applications: this.#masters.flatMap(
        ({ metrics, options, size, workers }) => metrics?.snapshot(options.mountPoint, size, workers) ?? [],
      ),
    }
  }

  /** What is so now, but for workers that do not answer within a quarter of a second. */
  async fresh(): Promise<MetricsSnapshot> {
    await Promise.all(this.#masters.map(async ({ metrics, workers }) => metrics?.refresh(workers)))
    return this.snapshot()
  }

  /** What has happened to workers, the oldest first. */
  get events(): readonly (WorkerEvent & { readonly mount: string })[] {
    return this.#masters
      .flatMap(({ metrics, options }) => metrics?.events.map((event) => ({ ...event, mount: options.mountPoint || '/' })) ?? [])
      .toSorted((a, b) => a.at - b.at)
  }
}
