import type { Logger, LogLevel } from '../interface/logger.ts'
import type { BindAddress } from '../server/address.ts'
import type { Protocol } from '../server/server.ts'
import type { InterfaceChoice } from './detect-application.ts'

export interface MasterOptions {
  /** `path[:export]`, from the current directory. */
  readonly app: string
  readonly interface: InterfaceChoice
  readonly binds: readonly {
    readonly address: BindAddress
    readonly protocol: Protocol
    /** Mode of a unix socket's file. Default 0o660. */
    readonly mode?: number
    /** Group id of a unix socket's file. Default: as the system decides. */
    readonly group?: number
  }[]
  readonly workers: number
  /** '' or '/x'. */
  readonly mountPoint: string
  readonly startupTimeoutMs: number
  readonly gracefulTimeoutMs: number
  /** Added to the workers' environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly probeToken?: string
  /** Bytes; 0 or absent: no limit. */
  readonly limitRequestBodyBytes?: number
  readonly log: Logger
  /** Least severe level that the workers log. Default `info`. */
  readonly logLevel?: LogLevel
  /** Descriptor for the workers' standard output and error. Default: the master's own. */
  readonly output?: number
}
