import type { BindAddress } from '../server/address.ts'
import { bindAddress, mountPoint, hostOrAddress } from './setting-kinds.ts'
import { ALL, BOTH, SERVE, SERVE_AND_DEV, setting, START_SERVER, START_SERVER_AND_DEV } from './setting.ts'
import type { CommandName, Setting } from './setting.ts'
import {
  boolean,
  choice,
  count,
  duration,
  fileMode,
  formatDuration,
  formatSize,
  integer,
  list,
  pairs,
  path,
  pathOrOff,
  size,
  text,
} from './settings-values.ts'
import { DEVELOPMENT_SETTINGS } from './settings-development.ts'
import { LAUNCHER_SETTINGS } from './settings-launcher.ts'
import { LOGGING_SETTINGS } from './settings-logging.ts'
import { METRICS_SETTINGS } from './settings-metrics.ts'
import { RECORDING_SETTINGS } from './settings-recording.ts'

const DEFAULT_TIMEOUT_MS = 15_000
const DEFAULT_REQUEST_TIMEOUT_MS = 60_000
const DEFAULT_QUEUE_TIMEOUT_MS = 10_000
const DEFAULT_HEARTBEAT_TIMEOUT_MS = 30_000
const DEFAULT_BODY_BYTES = 10 * 1024 * 1024

/**
 * Every setting, once. The key is the configuration key; flag and variable are made from it:
 * `startupTimeout` is `--startup-timeout` and `TSGI_STARTUP_TIMEOUT`.
 * Durations are milliseconds, sizes bytes.
 */
export const SETTINGS = {
  host: setting({
    kind: hostOrAddress,
    default: '127.0.0.1',
    help: 'Address that the server answers on',
    theme: 'Address',
    commands: START_SERVER_AND_DEV,
  }),
  port: setting({
    kind: integer('PORT', 0, 65_535),
    default: 8000,
    help: 'Port that the server answers on; 0 takes a free one',
    theme: 'Address',
    commands: START_SERVER_AND_DEV,
  }),
  bind: setting({
    kind: list(bindAddress),
    default: [{ type: 'tcp', host: '127.0.0.1', port: 8000 }] satisfies BindAddress[],
    defaultText: '127.0.0.1:8000',
    help: 'Address to listen on: unix:/path, host:port, [::1]:port or fd://N; repeatable',
    theme: 'Address',
    commands: SERVE_AND_DEV,
  }),
  protocol: setting({
    kind: choice('NAME', ['auto', 'uwsgi', 'fastcgi', 'scgi', 'http']),
    default: 'auto',
    help: 'Protocol spoken on the addresses: auto, uwsgi, fastcgi, scgi or http. auto reads the first byte of a connection',
    theme: 'Address',
    commands: SERVE,
  }),
  socketMode: setting({
    kind: fileMode('MODE'),
    default: 0o660,
    defaultText: '660',
    help: 'Mode of the unix sockets, whatever the umask',
    theme: 'Address',
    commands: SERVE_AND_DEV,
  }),
  socketTakeover: setting({
    kind: boolean(),
    default: false,
    help: 'Takes the place of a server that listens on a unix socket, once a worker is ready: for the next container beside the last',
    theme: 'Address',
    commands: SERVE,
  }),
  socketGroup: setting({
    kind: text('GROUP', 'the name or the number of a group', /^[\w.-]+\$?$/),
    default: undefined,
    defaultText: '--group',
    help: 'Group that the unix sockets are given to, by name or number',
    theme: 'Address',
    commands: SERVE,
  }),
  socketOwner: setting({
    kind: text('USER', 'the name or the number of a user', /^[\w.-]+\$?$/),
    default: undefined,
    defaultText: '--user',
    help: 'User that the unix sockets are given to, by name or number',
    theme: 'Address',
    commands: SERVE,
  }),
  serverType: setting({
    kind: choice('TYPE', ['auto', 'nginx', 'apache', 'embedded']),
    default: 'auto',
    help: 'What stands in front: nginx, apache, embedded (nothing), or auto (nginx if it is installed, else Apache, else nothing)',
    theme: 'Proxy',
    commands: START_SERVER,
  }),
  wire: setting({
    kind: choice('PROTOCOL', ['fastcgi', 'uwsgi', 'scgi', 'http']),
    default: 'fastcgi',
    help: 'Protocol between the proxy and the workers: fastcgi, uwsgi, scgi or http',
    theme: 'Proxy',
    commands: START_SERVER,
  }),
  proxyExecutable: setting({
    kind: text('FILE'),
    default: undefined,
    help: 'The nginx (or Apache) executable, where it is not the one that the PATH finds',
    theme: 'Proxy',
    commands: START_SERVER,
  }),
  serverRoot: setting({
    kind: path('DIR'),
    default: undefined,
    defaultText: 'a fresh private directory, removed at the end',
    help: 'Directory for the generated configuration, logs and sockets',
    theme: 'Proxy',
    commands: START_SERVER,
  }),
  interface: setting({
    kind: choice('KIND', ['auto', 'tsgi', 'node', 'fetch']),
    default: 'auto',
    help: 'What kind of application it is: auto, tsgi, node or fetch',
    theme: 'Application',
    commands: ALL,
  }),
  mountPoint: setting({
    kind: mountPoint,
    default: '',
    defaultText: '/',
    help: 'URL path that the application is served under',
    theme: 'Application',
    commands: ALL,
  }),
  setenv: setting({
    kind: pairs('NAME VALUE', 'the name of a variable and its value', /^[A-Za-z_]\w*$/),
    default: [],
    help: 'Sets a variable in the environment of the workers; repeatable',
    theme: 'Application',
    commands: ALL,
  }),
  envFile: setting({
    kind: list(path('FILE')),
    default: [],
    help: 'File of NAME=VALUE lines for the environment of the workers, below what is set already; repeatable',
    theme: 'Application',
    commands: ALL,
  }),
  chdir: setting({
    kind: path('DIR'),
    default: undefined,
    defaultText: 'the current directory',
    help: 'Directory that the workers run in, and that the application and the configuration file are looked for in',
    theme: 'Application',
    commands: ALL,
  }),
  user: setting({
    kind: text('USER', 'the name or the number of a user', /^[\w.-]+\$?$/),
    default: undefined,
    defaultText: 'the one that starts it',
    help: 'User that the workers run as, by name or number, with its groups; needs root',
    theme: 'Processes',
    commands: BOTH,
  }),
  group: setting({
    kind: text('GROUP', 'the name or the number of a group', /^[\w.-]+\$?$/),
    default: undefined,
    defaultText: "the user's",
    help: 'Group that the workers run as, by name or number; needs root',
    theme: 'Processes',
    commands: BOTH,
  }),
  umask: setting({
    kind: fileMode('MODE'),
    default: undefined,
    defaultText: 'as it is',
    help: 'Permissions that files made by the workers do not get, octal: 027',
    theme: 'Processes',
    commands: BOTH,
  }),
  nice: setting({
    kind: integer('N', -20, 19),
    default: undefined,
    defaultText: 'as it is',
    help: "The workers' priority: 19 is the lowest; below the present one needs root",
    theme: 'Processes',
    commands: BOTH,
  }),
  processes: setting({
    kind: count('N', 1024),
    default: 1,
    help: 'Number of worker processes; auto takes one a processor',
    theme: 'Processes',
    commands: BOTH,
    aliases: ['workers'],
    preferred: { serve: 'workers' },
    foreignVariables: ['WEB_CONCURRENCY'],
  }),
  startupTimeout: setting({
    kind: duration('TIME', 100),
    default: DEFAULT_TIMEOUT_MS,
    defaultText: formatDuration(DEFAULT_TIMEOUT_MS),
    help: 'Time in which a worker must be ready, else it is killed',
    theme: 'Processes',
    commands: ALL,
  }),
  gracefulTimeout: setting({
    kind: duration('TIME', 0),
    default: DEFAULT_TIMEOUT_MS,
    defaultText: formatDuration(DEFAULT_TIMEOUT_MS),
    help: 'Time that requests in flight get when a worker stops, before it is killed',
    theme: 'Processes',
    commands: BOTH,
  }),
  drainDelay: setting({
    kind: duration('TIME', 0),
    default: 0,
    defaultText: '0s',
    help: 'Time that TERM leaves everything as it is before the stop begins, for load balancers that learn of it late',
    theme: 'Processes',
    commands: BOTH,
  }),
  minProcesses: setting({
    kind: count('N', 1024),
    default: undefined,
    defaultText: 'as many as --processes',
    help: 'Fewest workers: those beyond it start under load and end when it is over',
    theme: 'Processes',
    commands: BOTH,
    aliases: ['cheaper'],
  }),
  maxRequests: setting({
    kind: integer('N', 0, 1_000_000_000),
    default: 0,
    help: 'Requests after which a worker is replaced; 0: never',
    theme: 'Processes',
    commands: BOTH,
  }),
  maxRequestsJitter: setting({
    kind: integer('N', 0, 1_000_000_000),
    default: 0,
    help: 'Up to so many more requests, chosen for each worker, so that they are not replaced together',
    theme: 'Processes',
    commands: BOTH,
  }),
  workerLifetime: setting({
    kind: duration('TIME', 0),
    default: 0,
    defaultText: '0s',
    help: 'Age at which a worker is replaced, up to a tenth more for some; 0: never',
    theme: 'Processes',
    commands: BOTH,
  }),
  workerMaxRss: setting({
    kind: size('SIZE'),
    default: 0,
    help: 'Resident memory above which, for 5 seconds, a worker is replaced; 0: any',
    theme: 'Processes',
    commands: BOTH,
  }),
  requestTimeout: setting({
    kind: duration('TIME', 0),
    default: DEFAULT_REQUEST_TIMEOUT_MS,
    defaultText: formatDuration(DEFAULT_REQUEST_TIMEOUT_MS),
    help: 'Time in which an application must begin to answer a request, else its client gets 504; 0 sets no limit',
    theme: 'Limits',
    commands: ALL,
  }),
  workerConcurrency: setting({
    kind: integer('N', 0, 1_000_000),
    default: 0,
    defaultText: '0, no limit',
    help: 'Requests that a worker serves at a time; others wait for their turn',
    theme: 'Limits',
    commands: BOTH,
  }),
  queueTimeout: setting({
    kind: duration('TIME', 0),
    default: DEFAULT_QUEUE_TIMEOUT_MS,
    defaultText: formatDuration(DEFAULT_QUEUE_TIMEOUT_MS),
    help: 'Time that a request waits for its turn, before its client gets 503; 0: none waits',
    theme: 'Limits',
    commands: BOTH,
  }),
  heartbeatTimeout: setting({
    kind: duration('TIME', 0),
    default: DEFAULT_HEARTBEAT_TIMEOUT_MS,
    defaultText: formatDuration(DEFAULT_HEARTBEAT_TIMEOUT_MS),
    help: 'Time after which a worker whose event loop is stuck is killed, with the stack of what blocks it in the log; 0 never does',
    theme: 'Limits',
    commands: ALL,
  }),
  slowRequestTime: setting({
    kind: duration('TIME', 0),
    default: 0,
    defaultText: '0s',
    help: 'Time after which a request without an answer is logged while it runs, with the stack of what blocks the event loop; 0: never',
    theme: 'Limits',
    commands: BOTH,
  }),
  pidFile: setting({
    kind: path('FILE'),
    default: undefined,
    help: 'File that holds the pid of the master while it runs',
    theme: 'Processes',
    commands: BOTH,
  }),
  controlSocket: setting({
    kind: pathOrOff('PATH'),
    default: undefined,
    defaultText: 'where tsgi ctl looks',
    help: 'Unix socket on which the master takes the commands of tsgi ctl; a directory gets one of its pid; off: none',
    theme: 'Processes',
    commands: BOTH,
  }),
  limitRequestBody: setting({
    kind: size('SIZE'),
    default: DEFAULT_BODY_BYTES,
    defaultText: formatSize(DEFAULT_BODY_BYTES),
    help: 'Largest request body; 0 sets no limit',
    theme: 'Limits',
    commands: ALL,
  }),
  ...LAUNCHER_SETTINGS,
  ...DEVELOPMENT_SETTINGS,
  ...LOGGING_SETTINGS,
  ...METRICS_SETTINGS,
  ...RECORDING_SETTINGS,
  config: setting({
    kind: path('FILE'),
    default: undefined,
    defaultText: "tsgi.config.ts, .mts, .js, .mjs, .cjs or .json here, else in the application's package",
    help: 'Configuration file',
    theme: 'Configuration',
    commands: ALL,
    notInFile: true,
  }),
  checkConfig: setting({
    kind: boolean(),
    default: false,
    help: 'Checks every setting, the files they name and the configuration of the proxy, and starts nothing',
    theme: 'Configuration',
    commands: ALL,
    notInFile: true,
  }),
  printConfig: setting({
    kind: { ...choice('FORMAT', ['text', 'json']), bare: 'text' },
    default: undefined,
    help: 'Prints every setting with its value and where that comes from, and starts nothing; =json for programs',
    theme: 'Configuration',
    commands: ALL,
    notInFile: true,
  }),
}

export type SettingKey = keyof typeof SETTINGS

type Parsed<K> = K extends { parse(text: string): infer T } ? Exclude<T, undefined> : never

type ValueOf<S> =
  S extends Setting<infer K, infer D>
    ? K extends { arity: 'list' | 'pairs' }
      ? readonly Parsed<K>[]
      : D extends undefined
        ? Parsed<K> | undefined
        : Parsed<K>
    : never

/** The settings that a command takes, with their values. */
export type Settings<C extends CommandName> = {
  readonly [K in SettingKey as C extends (typeof SETTINGS)[K]['commands'][number] ? K : never]: ValueOf<(typeof SETTINGS)[K]>
}
