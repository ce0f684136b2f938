import type { AccessEntry, AccessLog } from '../gateway/access.ts'
import type { AccessFormat } from './access-format.ts'
import type { LineSink, LossListener } from './line-sink.ts'

/** The access log of one process. */
export class AccessWriter implements AccessLog {
  readonly #format: AccessFormat
  readonly #sink: LineSink
  readonly #losses: LossListener

  constructor(format: AccessFormat, sink: LineSink, losses: LossListener) {
    this.#format = format
    this.#sink = sink
    this.#losses = losses
  }

  log(entry: AccessEntry): void {
    try {
      this.#sink.write(this.#format(entry, performance.now() - entry.startedAt))
    } catch (error) {
      // An application may have put anything in the place of its request's and response's members.
      this.#losses.lost(1, error)
    }
  }
}
