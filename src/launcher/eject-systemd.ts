import { userInfo } from 'node:os'
import { dirname, resolve } from 'node:path'

import type { LogTarget } from '../logging/log-target.ts'
import { argumentsOf } from '../settings/settings-arguments.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { flagName } from '../settings/setting-names.ts'
import { closedTo } from './closed-paths.ts'
import type { EjectedFile, EjectOptions } from './eject.ts'
import { accountNamed } from './proxy-account.ts'
import { SAID_BY_PROXY } from './said-by-proxy.ts'
import { describeServerRoot } from './server-root.ts'
import { FIRST_FREE_PORT, survey } from './survey.ts'
import { serviceUnit, socketUnit } from './systemd-unit.ts'
import type { Credential, ServiceUnit } from './systemd-unit.ts'

/** Who serves where nobody says who. */
const USUAL_ACCOUNT = 'www-data'

/** What a stop needs beyond the limits for requests, seconds. */
const MARGIN_S = 15

/** Said by the unit in its own words. */
const SAID_BY_UNIT: ReadonlySet<string> = new Set(['user', 'group', 'umask', 'setenv', 'pidFile'])

/** One service with the proxy in it, or for each application a socket and a service. */
export async function ejectSystemd(read: ReadSettings<'start-server'>, options: EjectOptions): Promise<EjectedFile[]> {
  return options.behindProxy ? behindProxy(read, options) : withProxy(read, options)
}

async function withProxy(read: ReadSettings<'start-server'>, options: EjectOptions): Promise<EjectedFile[]> {
  const { name, launcher, directory } = options
  const { settings } = read
  const user = userOf(read)
  await survey({ ...read, settings: { ...settings, user } })
  const { serverRoot, host, port, httpsPort = 0 } = settings
  const credentials = credentialsOf(read, user)
  const loaded = credentials.map(({ key }) => key)
  const args = argumentsOf(read, 'start-server', new Set([...SAID_BY_UNIT, 'logToTerminal', ...loaded]))
  const toTerminal = settings.errorLog === undefined ? ['--log-to-terminal'] : []
  const root = serverRoot === undefined ? ['--server-root', `/run/${name}`] : []
  return [
    {
      name: `${name}.service`,
      text: serviceUnit({
        ...common(read, options),
        description: `${name}: ${read.app} with its proxy, on ${host} port ${port}`,
        command: [...launcher, 'start-server', read.app, ...args, ...root, ...toTerminal],
        lowPort: [port, httpsPort].some((each) => each > 0 && each < FIRST_FREE_PORT),
        writable: [...writableOf(read), ...(serverRoot === undefined ? [] : [describeServerRoot(serverRoot, 0).path])],
        reads: [...launcher.filter((word) => word.startsWith('/')), directory],
        credentials,
        service: serverRoot === undefined ? [`RuntimeDirectory=${name}`, 'RuntimeDirectoryMode=0700'] : [],
      }),
    },
  ]
}

function behindProxy(read: ReadSettings<'start-server'>, options: EjectOptions): EjectedFile[] {
  const { name, server, directory } = options
  const { settings } = read
  const root = describeServerRoot(settings.serverRoot ?? `/run/${name}`, settings.mount.length)
  const args = argumentsOf(read, 'serve', new Set([...SAID_BY_UNIT, ...SAID_BY_PROXY]))
  const applications = [
    { unit: name, app: read.app, path: root.socketPath, args },
    ...settings.mount.map(([url, app], index) => ({
      unit: `${name}-mount-${index + 1}`,
      app,
      path: root.mountSocketPath(index),
      args: ['--mount-point', url],
    })),
  ]
  return applications.flatMap(({ unit, app, path, args: given }) => [
    { name: `${unit}.socket`, text: socketUnit(`Socket of ${unit}`, path, USUAL_ACCOUNT) },
    {
      name: `${unit}.service`,
      text: serviceUnit({
        ...common(read, options),
        description: `${unit}: ${app}, behind a proxy`,
        unit: [`Requires=${unit}.socket`, `After=${unit}.socket`],
        // No --bind: it takes the socket that it inherits.
        command: [...server, 'serve', app, ...given],
        lowPort: false,
        writable: writableOf(read),
        reads: [...server.filter((word) => word.startsWith('/')), directory],
      }),
    },
  ])
}

function common(
  read: ReadSettings<'start-server'>,
  { directory }: EjectOptions,
): Pick<ServiceUnit, 'user' | 'group' | 'directory' | 'environment' | 'stopLimit'> {
  const { group, setenv, drainDelay, gracefulTimeout } = read.settings
  return {
    user: userOf(read),
    group,
    directory,
    environment: setenv,
    stopLimit: Math.ceil((drainDelay + gracefulTimeout) / 1000) + MARGIN_S,
  }
}

/** Never root, unless somebody says so. */
function userOf({ settings }: ReadSettings<'start-server'>): string {
  if (settings.user !== undefined) return settings.user
  return process.getuid?.() === 0 ? USUAL_ACCOUNT : userInfo().username
}

const TLS_FILES = ['sslCertificateFile', 'sslCertificateKeyFile', 'sslCertificateChainFile', 'sslCaCertificateFile'] as const

/** What of TLS the service's user may not read. Where there is no such user here, nobody can tell. */
function credentialsOf({ settings }: ReadSettings<'start-server'>, user: string): (Credential & { readonly key: string })[] {
  const account = accountNamed(user)
  if (account === undefined) return []
  return TLS_FILES.flatMap((key) => {
    const file = settings[key]
    if (file === undefined || closedTo(resolve(file), account) === undefined) return []
    return [{ key, name: `${flagName(key)}.pem`, path: resolve(file), option: `--${flagName(key)}` }]
  })
}

/** Where logs go that are files. */
function writableOf({ settings }: ReadSettings<'start-server'>): string[] {
  const targets: readonly (LogTarget | undefined)[] = [settings.accessLog, settings.errorLog]
  return [...new Set(targets.flatMap((target) => (target?.type === 'file' ? [dirname(target.path)] : [])))]
}
