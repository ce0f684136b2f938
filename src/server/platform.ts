/**
 * What one system has and another has not. Everything that depends on it asks here; no other file names Windows to the compiler.
 *
 * Of Windows this goes by the documentation of Node and the source of libuv: there are no unix sockets that Node could open, no
 * descriptors to inherit but files, no users and no file modes as POSIX has them, and a signal that is sent ends its receiver at once.
 */

function isWindows(system: NodeJS.Platform): boolean {
  return system === 'win32'
}

/**
 * How the workers get the sockets that their master has bound. `descriptor`: they inherit them. `handle`: they are sent over the
 * message channel, which is how Node's own cluster module shares its sockets on Windows.
 */
export function socketsTravelAs(system: NodeJS.Platform = process.platform): 'descriptor' | 'handle' {
  return isWindows(system) ? 'handle' : 'descriptor'
}

/** Whether a connection that is open can be sent to another process: on Windows Node sends those of TCP alone, which no proxy keeps here. */
export function connectionsTravel(system: NodeJS.Platform = process.platform): boolean {
  return !isWindows(system)
}

/** What a local program is talked to by: a socket in the file system, or a named pipe. */
export function localSocketsAre(system: NodeJS.Platform = process.platform): 'files' | 'pipes' {
  return isWindows(system) ? 'pipes' : 'files'
}

/** Whether the mode of a file says who may do what with it. */
export function hasFileModes(system: NodeJS.Platform = process.platform): boolean {
  return !isWindows(system)
}

/** Whether a child that was killed is known by the signal: on Windows one that kills itself ends with the exit code 1. */
export function killShowsAsSignal(system: NodeJS.Platform = process.platform): boolean {
  return !isWindows(system)
}

const MISSING_ON_WINDOWS = {
  unix: 'Windows has no unix sockets for Node; write a port, such as --bind 127.0.0.1:8000',
  fd: 'on Windows no socket can be inherited; write a port, such as --bind 127.0.0.1:8000',
  account: 'Windows has no users to change to; start tsgi, or the service that it is, as the user that the workers are to be',
  umask: 'Windows has no file modes; give the directory the permissions that its new files are to have',
  socketOwner: 'Windows has no unix sockets; leave it out',
  proxy: 'tsgi starts no proxy on Windows; write --server-type embedded, or put a proxy in front of tsgi serve by a port',
  controlScript: 'tsgictl is a script for a POSIX shell; on Windows, let a service run tsgi-express start-server',
  syslog: 'Windows has no unix sockets; write udp://host:514 or tcp://host:514',
  upgrade: 'on Windows no new master can take the sockets over; a reload replaces the workers, a stop and a start the rest',
} as const

/** Why something cannot be had on this system, and what to do instead; undefined where it can. */
export function whyNotHere(
  what: keyof typeof MISSING_ON_WINDOWS,
  system: NodeJS.Platform = process.platform,
): string | undefined {
  return isWindows(system) ? MISSING_ON_WINDOWS[what] : undefined
}

/** What a signal asks a master for. */
export type SignalMeaning = 'stop' | 'quick-stop' | 'reload' | 'grow' | 'shrink' | 'reopen-logs' | 'upgrade' | 'nothing'

/** Gunicorn's. WINCH is there so that it is plain that a terminal's resize does nothing. */
const POSIX_SIGNALS: ReadonlyMap<NodeJS.Signals, SignalMeaning> = new Map([
  ['SIGTERM', 'stop'],
  ['SIGINT', 'quick-stop'],
  ['SIGQUIT', 'quick-stop'],
  ['SIGHUP', 'reload'],
  ['SIGTTIN', 'grow'],
  ['SIGTTOU', 'shrink'],
  ['SIGUSR1', 'reopen-logs'],
  ['SIGUSR2', 'upgrade'],
  ['SIGWINCH', 'nothing'],
])

/**
 * What a console says: INT is Ctrl-C, BREAK is Ctrl-Break. HUP is the end of the console, behind which Windows ends the process in a few
 * seconds. TERM never comes, but can be listened for.
 */
const WINDOWS_SIGNALS: ReadonlyMap<NodeJS.Signals, SignalMeaning> = new Map([
  ['SIGTERM', 'stop'],
  ['SIGBREAK', 'stop'],
  ['SIGINT', 'quick-stop'],
  ['SIGHUP', 'quick-stop'],
])

/** What the signals mean to a master that serves, in the order in which they are listened for. */
export function signalMeanings(system: NodeJS.Platform = process.platform): ReadonlyMap<NodeJS.Signals, SignalMeaning> {
  return isWindows(system) ? WINDOWS_SIGNALS : POSIX_SIGNALS
}

/** The signals that ask for an end. */
export function stopSignals(system: NodeJS.Platform = process.platform): NodeJS.Signals[] {
  return [...signalMeanings(system)].flatMap(([signal, meaning]) => (meaning.endsWith('stop') ? [signal] : []))
}

/** The signals that a group of processes is sent to end or reload it: a terminal, a service manager or a console does. */
export function groupSignals(system: NodeJS.Platform = process.platform): readonly NodeJS.Signals[] {
  return isWindows(system) ? ['SIGTERM', 'SIGINT', 'SIGBREAK', 'SIGHUP'] : ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP']
}
