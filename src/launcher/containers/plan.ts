import { relative } from 'node:path'

import { quote, TsgiError } from '../../interface/errors.ts'
import { argumentsOf } from '../../settings/settings-arguments.ts'
import type { ReadSettings } from '../../settings/settings-read.ts'
import { servedPaths, wordsInImage } from './static-files.ts'
import type { ServedPath } from './static-files.ts'

/** Who everything runs as in the containers: the user `node` of Node's images, and nobody's name in the proxies'. */
export const USER_ID = 1000

/** Where both sides meet in a stack with a shared socket. */
export const SOCKET_DIRECTORY = '/run/tsgi'
export const SOCKET_PATH = `${SOCKET_DIRECTORY}/app.sock`

/** Where the workers listen in a stack of several hosts. */
export const WORKER_PORT = 9000

/** Where the proxy listens in its container: nobody needs to be root for these. */
export const PROXY_PORT = 8080
export const PROXY_HTTPS_PORT = 8443

/** For what may be written in a container whose root file system may not. */
export const SCRATCH = '/tmp'

/** Longer than an address of a host that has left is believed, so that nobody asks one that is gone, seconds. */
const DRAIN_DELAY_S = 5

/** What the proxy waits with its stop until its balancer has heard of it, seconds. */
export const PROXY_DELAY_S = 5

/** What a stop needs beyond its limits, seconds. */
const MARGIN_S = 10

/** What containers are written from. */
export interface ContainerPlan {
  /** Letters, digits and `-`: names what belongs together. */
  readonly name: string
  readonly proxy: 'nginx' | 'apache'
  /** How the proxy reaches the workers: a socket in a shared directory, or TCP to several replicas. */
  readonly over: 'socket' | 'tcp'
  readonly replicas: number
  /** Workers in each replica. */
  readonly workers: number
  /** The application and the options of `tsgi serve`, without its address. */
  readonly serve: readonly string[]
  /** The same of `tsgi-express start-server`, for the image in which the proxy is, too. */
  readonly start: readonly string[]
  /** What the proxy serves from the disk. */
  readonly served: readonly ServedPath[]
  /** What the images are made from, absolute. */
  readonly directory: string
  /** The port of this machine, for HTTP and for HTTPS. */
  readonly port: number
  readonly httpsPort: number | undefined
  /** Certificate and key on this machine. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  /** A worker host serves on for so long when it is told to stop, seconds. */
  readonly drainDelayS: number
  /** What a stop may take in all, seconds: of the application, and of the proxy. */
  readonly stopS: { readonly application: number; readonly proxy: number }
  /** Variables of the application. */
  readonly environment: readonly (readonly [string, string])[]
}

/** What the command line of `eject` says beside the settings. */
export interface ContainerChoices {
  readonly name: string
  /** Left out: one, beside its proxy. */
  readonly replicas: number | undefined
  readonly directory: string
}

/** Said in another way, or of no use in a container. */
const SAID_HERE: ReadonlySet<string> = new Set([
  'bind',
  'setenv',
  'pidFile',
  'user',
  'group',
  'drainDelay',
  'controlSocket',
  'socketTakeover',
])

/** HTTPS is left to who has the certificate: it is in no image. */
const SAID_OF_ALL_IN_ONE: ReadonlySet<string> = new Set([
  ...SAID_HERE,
  'host',
  'port',
  'serverType',
  'serverRoot',
  'proxyExecutable',
  'processes',
  'logToTerminal',
  'httpsPort',
  'httpsOnly',
  'hstsPolicy',
  'sslCertificateFile',
  'sslCertificateKeyFile',
])

/** Throws `TSGI_ERR_OPTION` for what a container has no place for. */
export function containerPlan(
  read: ReadSettings<'start-server'>,
  { name, replicas, directory }: ContainerChoices,
): ContainerPlan {
  const { settings, app } = read
  if (settings.mount.length > 0) {
    throw new TsgiError('TSGI_ERR_OPTION', '--mount: each application is a stack of its own here; eject one without')
  }
  if (settings.serverType === 'embedded') {
    throw new TsgiError('TSGI_ERR_OPTION', '--server-type embedded has no proxy to put into a container; leave it out')
  }
  const proxy = settings.serverType === 'apache' ? 'apache' : 'nginx'
  const over = replicas === undefined ? 'socket' : 'tcp'
  if (over === 'tcp' && proxy === 'apache') {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      '--replicas: Apache finds no hosts that come and go; take nginx, or one socket without --replicas',
    )
  }
  const inside = relative(directory, app.replace(/:[^:/\\]*$/, ''))
  if (inside.startsWith('..')) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `${quote(app)} is outside of ${quote(directory)}, which the image is made from; run eject where package.json is`,
    )
  }
  const graceful = Math.ceil(settings.gracefulTimeout / 1000)
  const drainDelayS = Math.max(DRAIN_DELAY_S, Math.ceil(settings.drainDelay / 1000))
  const { sslCertificateFile: certificate, sslCertificateKeyFile: key, httpsPort } = settings
  return {
    name,
    proxy,
    over,
    replicas: replicas ?? 1,
    workers: settings.processes,
    serve: [app, ...argumentsOf(read, 'serve', SAID_HERE)],
    start: wordsInImage([app, ...argumentsOf(read, 'start-server', SAID_OF_ALL_IN_ONE)], directory),
    served: servedPaths(settings, directory),
    directory,
    port: settings.port,
    httpsPort,
    tls: certificate === undefined || key === undefined || httpsPort === undefined ? undefined : { certificate, key },
    drainDelayS,
    stopS: { application: drainDelayS + graceful + MARGIN_S, proxy: PROXY_DELAY_S + graceful + MARGIN_S },
    environment: settings.setenv,
  }
}

/** The command line of a container that serves the application. */
export function serveArguments({ serve, over, drainDelayS }: ContainerPlan): string[] {
  const bind = over === 'socket' ? [`unix:${SOCKET_PATH}`, '--socket-takeover'] : [`0.0.0.0:${WORKER_PORT}`]
  return [...serve, '--bind', ...bind, '--drain-delay', `${drainDelayS}s`]
}
