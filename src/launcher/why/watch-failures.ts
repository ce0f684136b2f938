import type { Logger } from '../../interface/logger.ts'
import { Obituary } from '../../process/ended-worker.ts'
import type { Master } from '../../process/master.ts'
import type { Plan } from '../plan.ts'
import { unusableRoot } from '../unusable-root.ts'
import { FollowedFile } from './followed-file.ts'
import { NginxReader } from './nginx-reader.ts'
import { WhyFailed } from './why-failed.ts'

/** Explains requests that fail, until it is closed. */
export interface FailureWatch {
  close(): void
}

/** Begins to explain what nginx tells of failed requests. Before it is started. Throws `TSGI_ERR_SERVER_ROOT`. */
export function watchFailures({ root }: Plan, masters: readonly Master[], log: Logger): FailureWatch {
  const obituary = new Obituary()
  const why = new WhyFailed({
    log,
    applications: new Map(
      masters.map((master, index) => [
        root.socketPaths[index] ?? '',
        { failed: (failure) => master.metrics?.failed(failure) },
      ]),
    ),
  })
  for (const [index, master] of masters.entries()) {
    master.on('ended', (worker, exit) => why.ended(root.socketPaths[index] ?? '', obituary.of(worker, exit)))
  }
  const reader = new NginxReader()
  try {
    const file = new FollowedFile({
      path: root.failuresPath,
      onLine: (line) => {
        for (const request of reader.push(line)) why.failed(request)
      },
      onSkipped: (bytes) => why.skipped(bytes),
      onLook: () => {
        for (const request of reader.expire(Date.now())) why.failed(request)
        why.look()
      },
    })
    return {
      close() {
        file.close()
        why.look(true)
      },
    }
  } catch (error) {
    throw unusableRoot(root.failuresPath, error)
  }
}
