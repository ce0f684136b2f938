import type { Logger } from '../../interface/logger.ts'
import { Obituary } from '../../process/ended-worker.ts'
import type { Master } from '../../process/master.ts'
import type { Plan } from '../plan.ts'
import { unusableRoot } from '../unusable-root.ts'
import { ApacheReader } from './apache-reader.ts'
import { FollowedFile } from './followed-file.ts'
import { NginxReader } from './nginx-reader.ts'
import { WhyFailed } from './why-failed.ts'
import type { FailureCounter } from './why-failed.ts'

/** Explains requests that fail, until it is closed. */
export interface FailureWatch {
  /** Takes a line of a proxy whose logs come through pipes. */
  push(line: string): void
  close(): void
}

/** How often what is told by lines is looked at, milliseconds. */
const LOOK_MS = 250

/** Begins to explain what the proxy tells of failed requests. Before it is started. Throws `TSGI_ERR_SERVER_ROOT`. */
export function watchFailures(
  { root }: Pick<Plan, 'root'>,
  proxy: 'nginx' | 'apache',
  masters: readonly Master[],
  log: Logger,
): FailureWatch {
  const obituary = new Obituary()
  const applications = masters.map((master, index) => ({
    socketPath: root.socketPaths[index] ?? '',
    mountPoint: master.options.mountPoint,
    failed: (failure: Parameters<FailureCounter['failed']>[0]) => master.metrics?.failed(failure),
  }))
  const why = new WhyFailed({ log, applications })
  for (const [index, master] of masters.entries()) {
    master.on('ended', (worker, exit) => why.ended(root.socketPaths[index] ?? '', obituary.of(worker, exit)))
  }
  const reader = proxy === 'nginx' ? new NginxReader() : new ApacheReader()
  const push = (line: string): void => {
    for (const request of reader.push(line)) why.failed(request)
  }
  const onLook = (): void => {
    for (const request of reader.expire(Date.now())) why.failed(request)
    why.look()
  }
  const end = proxy === 'nginx' ? follow(root, push, onLook, why) : look(onLook)
  return {
    push,
    close() {
      end()
      why.look(true)
    },
  }
}

/** nginx writes to a file. */
function follow(
  { failuresPath: path }: Plan['root'],
  onLine: (line: string) => void,
  onLook: () => void,
  why: WhyFailed,
): () => void {
  try {
    const file = new FollowedFile({ path, onLine, onLook, onSkipped: (bytes) => why.skipped(bytes) })
    return () => file.close()
  } catch (error) {
    throw unusableRoot(path, error)
  }
}

function look(onLook: () => void): () => void {
  const timer = setInterval(onLook, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
