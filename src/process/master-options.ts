import type { RecordOptions } from '../recording/recorder.ts'
import type { Logger, LogLevel } from '../interface/logger.ts'
import type { LogOptions } from '../logging/log-options.ts'
import type { BindAddress } from '../server/address.ts'
import type { ClientLimits } from '../server/client-limits.ts'
import type { Protocol } from '../server/server.ts'
import type { RecyclingLimits } from './recycling.ts'
import type { InheritedSocket } from './upgrade.ts'
import type { InterfaceChoice } from '../loading/detect-application.ts'
import type { WorkerClocks } from './worker-messages.ts'
import type { Hooks } from '../settings/hooks.ts'
import type { WorkerRights } from './worker-rights.ts'

export interface MasterOptions extends RecyclingLimits {
  /** `path[:export]`, from the current directory. */
  readonly app: string
  readonly interface: InterfaceChoice
  readonly binds: readonly {
    readonly address: BindAddress
    readonly protocol: Protocol
    /** Mode of a unix socket's file. Default 0o660. */
    readonly mode?: number
    /** User and group id of a unix socket's file. Default: as the system decides. */
    readonly owner?: number
    readonly group?: number
  }[]
  /** Descriptors of an earlier master that this one replaces; an address that is among them is not bound. */
  readonly inherited?: readonly InheritedSocket[]
  readonly workers: number
  /** With it, `workers` is the most there may be: this many are there always, others come and go with the load. */
  readonly minWorkers?: number | undefined
  /** '' or '/x'. */
  readonly mountPoint: string
  readonly startupTimeoutMs: number
  readonly gracefulTimeoutMs: number
  /** Default: the master's own. */
  readonly rights?: WorkerRights
  /** Added to the environment of a new master that takes this one's place. */
  readonly upgradeVariables?: Readonly<Record<string, string>>
  /** Called by the master when something has happened. */
  readonly hooks?: Hooks | undefined
  /** Absolute path of the configuration file, where it has hooks that run in workers. */
  readonly hooksFile?: string | undefined
  /** Added to the workers' environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly probeToken?: string
  /** Requests after which a worker is replaced, and up to how many more, chosen for each. 0 or absent: never. */
  readonly maxRequests?: number
  readonly maxRequestsJitter?: number
  /** Bytes; 0 or absent: no limit. */
  readonly limitRequestBodyBytes?: number
  /** Absent: no limits. */
  readonly clocks?: WorkerClocks
  /** For clients over TCP; absent: as for a proxy. */
  readonly clients?: ClientLimits
  readonly log: Logger
  /** Least severe level that the workers log. Default `info`. */
  readonly logLevel?: LogLevel
  /** What a worker that is started now has as its standard output and error. Default: the master's own. */
  readonly output?: () => WorkerOutput
  /** Logs that the workers write themselves. Default: standard error alone. */
  readonly logs?: LogOptions
  /** Requests are counted. Default: no. */
  readonly metrics?: boolean
  /** Workers keep requests in a file. Default: none. */
  readonly record?: RecordOptions | undefined
  /** Failures are explained to clients, and frameworks are told that this is development. */
  readonly development?: boolean
}

/** Descriptors; what is left out is the master's own. */
export interface WorkerOutput {
  readonly stdout?: number
  readonly stderr?: number
}
