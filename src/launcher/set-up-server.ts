import { chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { TsgiError } from '../interface/errors.ts'
import { whyNotHere } from '../server/platform.ts'
import { allRows, knownVariables } from '../settings/settings-rows.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import type { Settings } from '../settings/settings.ts'
import { checkServer } from './check-server.ts'
import { configurationOf } from './configuration.ts'
import { controlScript } from './control-script.ts'
import { writeConfiguration } from './plan.ts'
import { prepareServerRoot } from './server-root.ts'
import type { ServerRoot } from './server-root.ts'
import { shellWord } from './shell-words.ts'
import { blueprint } from './survey.ts'
import { unusableRoot } from './unusable-root.ts'
import { makeUserFiles } from './user-files.ts'

/** What a start needs beyond the limits for the first worker and for the probe, and a stop beyond those for requests, seconds. */
const MARGIN_S = 15

/** What is recorded of how setup-server was called. */
export interface Recorded {
  /** What stood behind `setup-server`. */
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
  /** Node with its options, then the script of tsgi-express, and the same of tsgi. */
  readonly launcher: readonly string[]
  readonly server: readonly string[]
}

/**
 * Writes what a start would write, and a control script with the options that were given; starts nothing. A server that runs in
 * this root goes on with what it has read. Resolves to what the operator is told.
 *
 * Rejects with what a start would say, as far as that can be known.
 */
export async function setUpServer(read: ReadSettings<'start-server'>, recorded: Recorded): Promise<string> {
  const why = whyNotHere('controlScript')
  if (why !== undefined) throw new TsgiError('TSGI_ERR_OPTION', `setup-server: ${why}`)
  const { serverRoot } = read.settings
  if (serverRoot === undefined) {
    throw new TsgiError('TSGI_ERR_OPTION', 'setup-server needs --server-root DIR: the directory that the files and tsgictl go to')
  }
  // In a root of its own: a mistake leaves this one as it was.
  await checkServer(read)
  const sources = await blueprint(read)
  const { proxy, account, certificate } = sources
  // The paths in this root are others than those that were tested: before there is anything in it.
  if (proxy !== undefined) configurationOf(sources, proxy)
  const mounts = read.settings.mount.length
  const chain = read.settings.sslCertificateChainFile !== undefined
  const root = await prepareServerRoot({ directory: serverRoot, proxy, account, mounts, setUp: true, chain })
  makeUserFiles(root, proxy?.type)
  // Once more: the rules are there by now.
  if (proxy !== undefined) writeConfiguration(await blueprint(read), proxy, certificate)
  writeScript(root, scriptOf(read, root, recorded))
  return report(root, proxy?.type)
}

function scriptOf(read: ReadSettings<'start-server'>, root: ServerRoot, recorded: Recorded): string {
  const { settings, resolved } = read
  const { args, environment, directory, launcher, server } = recorded
  const names = [...knownVariables(), ...FOREIGN]
  const controlSocket = settings.controlSocket ?? root.controlSocketPath
  return controlScript({
    root: root.path,
    directory,
    launcher,
    server,
    args,
    variables: names.flatMap((name) => {
      const value = environment[name]
      return value === undefined || value === '' || RUN_ONLY.has(name) ? [] : [[name, value] as const]
    }),
    settingVariables: names,
    pidFile: settings.pidFile === undefined ? resolve(root.path, 'tsgi.pid') : resolve(directory, settings.pidFile),
    pidFileGiven: resolved.some(({ key, source }) => key === 'pidFile' && source === 'command line'),
    controlSocket: controlSocket === undefined || controlSocket === 'off' ? undefined : resolve(directory, controlSocket),
    ...limitsOf(settings),
  })
}

/** Variables of other systems that count as settings: `WEB_CONCURRENCY`. */
const FOREIGN = allRows().flatMap(([, { foreignVariables = [] }]) => foreignVariables)

/** About one run, not about the server. */
const RUN_ONLY: ReadonlySet<string> = new Set(['TSGI_CHECK_CONFIG', 'TSGI_PRINT_CONFIG'])

function limitsOf(settings: Settings<'start-server'>): { startLimit: number; stopLimit: number } {
  const { startupTimeout, drainDelay, gracefulTimeout } = settings
  return {
    startLimit: Math.ceil(startupTimeout / 1000) + MARGIN_S,
    stopLimit: Math.ceil((drainDelay + gracefulTimeout) / 1000) + MARGIN_S,
  }
}

/** In one step: a shell reads a script as it goes, and one that runs must not find another text. Variables may be secrets. */
function writeScript(root: ServerRoot, text: string): void {
  const path = root.controlScriptPath
  const temporary = `${path}.${process.pid}`
  try {
    writeFileSync(temporary, text, { mode: 0o700, flag: 'wx' })
    chmodSync(temporary, 0o700)
    renameSync(temporary, path)
  } catch (error) {
    throw unusableRoot(path, error)
  }
}

function report(root: ServerRoot, proxyType: string | undefined): string {
  const rows: [string, string][] = [
    ['Server Root', root.path],
    ...(proxyType === undefined
      ? []
      : ([
          ['Server Conf', root.configurationPath],
          [`Rules (${proxyType})`, root.rulesPath(proxyType)],
        ] satisfies [string, string][])),
    ['Environ Variables', root.environPath],
    ['Control Script', root.controlScriptPath],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const running = existsSync(root.socketPath) ? 'A server runs here: it takes this over at tsgictl restart.\n' : ''
  return `${rows.map(([name, value]) => `${name.padEnd(width)} : ${value}\n`).join('')}${running}Nothing is started. Type: ${shellWord(root.controlScriptPath)} start\n`
}
