import type { Logger } from '../interface/logger.ts'
import type { BindAddress } from '../server/address.ts'
import { formatBindAddress } from '../server/address.ts'
import { isListening } from './listening-descriptor.ts'
import type { ServiceVariables } from './service-variables.ts'
import type { InheritedSocket } from './upgrade.ts'

/** FCGI_LISTENSOCK_FILENO of FastCGI 1.0 §2.2: where spawn-fcgi and mod_fcgid put the listening socket. */
const LISTENSOCK = 0

export interface BindSources {
  /** What `--bind` says, or its default. */
  readonly bind: readonly BindAddress[]
  /** Whether somebody has said it. */
  readonly given: boolean
  readonly service: Pick<ServiceVariables, 'sockets' | 'socketsOfPid'>
  /** What an earlier master hands over. */
  readonly inherited: readonly InheritedSocket[] | undefined
  readonly log: Logger
}

/**
 * What to listen on: what `--bind` says, else what was handed over by an earlier master, by systemd (LISTEN_FDS) or by spawn-fcgi and
 * mod_fcgid (standard input), else the default.
 */
export function chooseBinds({ bind, given, service, inherited, log }: BindSources): readonly BindAddress[] {
  if (service.socketsOfPid !== undefined) {
    log.warn(
      `LISTEN_FDS is for the process ${service.socketsOfPid}, and this is ${process.pid}: its sockets are not used; start tsgi without a shell or npm in between, or by exec`,
    )
  }
  if (given) {
    const taken = new Set(bind.map((address) => formatBindAddress(address)))
    const left = service.sockets
      .filter(({ fd }) => !taken.has(`fd://${fd}`))
      .map(({ fd, name }) => `fd://${fd}${name === undefined ? '' : ` (${name})`}`)
    if (left.length > 0) log.warn(`inherited by LISTEN_FDS, but not in --bind, so nobody serves it: ${left.join(', ')}`)
    return bind
  }
  if (inherited !== undefined) return inherited.map(({ address }) => address)
  if (service.sockets.length > 0) return service.sockets.map(({ fd }) => ({ type: 'fd', fd }))
  if (!isListening(LISTENSOCK)) return bind
  log.info('standard input is a listening socket, as spawn-fcgi and mod_fcgid give it: serving it')
  return [{ type: 'fd', fd: LISTENSOCK }]
}
