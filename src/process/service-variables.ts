/** What a service manager tells a process, in its environment: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). */
export interface ServiceVariables {
  /** Descriptors of sockets that listen already, from 3 on. */
  readonly sockets: readonly { readonly fd: number; readonly name: string | undefined }[]
  /** The process that the sockets are for, where it is another one; they are not touched then. */
  readonly socketsOfPid: number | undefined
  /** The socket that wants to know how the service does. */
  readonly notifySocket: string | undefined
  /** How long it waits for a sign of life, milliseconds. */
  readonly watchdogMs: number | undefined
  /** What a new master that takes this one's place is to find in its environment. */
  readonly forSuccessor: Readonly<Record<string, string>>
}

/** The first descriptor of the protocol. */
const FIRST_FD = 3

/** More sockets than any unit has: what says more is no count. */
const MAX_SOCKETS = 1024

const NAMES = [
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
] as const

/**
 * Reads the variables and takes them out of the environment: they are the master's, and a worker, or a program that the
 * application starts, would speak in its name. `successor`: this master has taken another one's place, whose pid they name.
 */
export function takeServiceVariables(environment: NodeJS.ProcessEnv, pid: number, successor: boolean): ServiceVariables {
  const values = Object.fromEntries(NAMES.map((name) => [name, environment[name]]))
  for (const name of NAMES) Reflect.deleteProperty(environment, name)
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, NOTIFY_SOCKET, WATCHDOG_PID, WATCHDOG_USEC } = values
  const count = wholeNumber(LISTEN_FDS, MAX_SOCKETS) ?? 0
  const listenPid = wholeNumber(LISTEN_PID)
  const mine = count > 0 && listenPid === pid
  const names = LISTEN_FDNAMES?.split(':') ?? []
  const watchdogUsec = wholeNumber(WATCHDOG_USEC)
  const watched = WATCHDOG_PID === undefined || successor || wholeNumber(WATCHDOG_PID) === pid
  return {
    sockets: mine ? Array.from({ length: count }, (_, index) => ({ fd: FIRST_FD + index, name: names[index] })) : [],
    socketsOfPid: count > 0 && !mine ? listenPid : undefined,
    notifySocket: NOTIFY_SOCKET === '' ? undefined : NOTIFY_SOCKET,
    watchdogMs: watched && watchdogUsec !== undefined && watchdogUsec > 0 ? watchdogUsec / 1000 : undefined,
    // The sockets come to it in another way.
    forSuccessor: {
      ...(NOTIFY_SOCKET === undefined ? {} : { NOTIFY_SOCKET }),
      ...(WATCHDOG_USEC === undefined || !watched ? {} : { WATCHDOG_USEC }),
    },
  }
}

function wholeNumber(text: string | undefined, maximum = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return value <= maximum ? value : undefined
}
