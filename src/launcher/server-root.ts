import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import { hasFileModes, localSocketsAre } from '../server/platform.ts'
import { SocketPath } from '../server/socket-path.ts'
import { barrier, nearestDirectory } from './closed-paths.ts'
import { foreignFile, OUR_MARK } from './foreign-files.ts'
import type { WrittenFiles } from './foreign-files.ts'
import type { Account } from './proxy-account.ts'
import type { ProxyDriver } from './proxy-driver.ts'
import { shellLine, shellWord } from './shell-words.ts'
import { unusableRoot } from './unusable-root.ts'

const SOCKET_NAME = 'tsgi.sock'

/** Names of files that nobody writes without a proxy. */
const NO_PROXY = { configurationName: 'proxy.conf', pidName: 'proxy.pid' }

/** The private directory of one running server, and what is in it. */
export interface ServerRoot {
  readonly path: string
  /** Made for this run: it goes with it. */
  readonly fresh: boolean
  readonly socketPath: string
  /** All of them. */
  readonly socketPaths: readonly string[]
  /** Of the workers of the further application at this place among them, from 0. */
  mountSocketPath(index: number): string
  /** Where `tsgi ctl` reaches the master; undefined where that is no file. */
  readonly controlSocketPath: string | undefined
  readonly configurationPath: string
  readonly pidPath: string
  /** What a proxy runs with that reads its configuration again and again, see running-configuration.ts. */
  readonly runningPath: string
  /** The configuration that such a proxy is told to read. */
  readonly currentPath: string
  /** Where the proxy keeps bodies that do not fit in memory. */
  readonly spoolPath: string
  /** The certificate with its chain, where the operator has them in two files. */
  readonly certificatePath: string
  /** While this file exists, there is maintenance. */
  readonly maintenancePath: string
  readonly accessLogPath: string
  readonly errorLogPath: string
  /** What the proxy tells of requests that failed, see why/. */
  readonly failuresPath: string
  /** The operator's own variables and rules, see user-files.ts. */
  readonly environPath: string
  rulesPath(proxyType: string): string
  /** `tsgictl`, where setup-server has written one. */
  readonly controlScriptPath: string
  /** Takes away what must not outlive the server: everything of a fresh root, else socket, pid file and spool. */
  remove(): void
}

export interface ServerRootOptions {
  /** undefined: a fresh one that nobody else can have prepared. */
  readonly directory: string | undefined
  /** What will use it: then there will be a socket and a spool. undefined: no proxy. */
  readonly proxy: Pick<ProxyDriver, 'configurationName' | 'pidName'> | undefined
  /** Who must be able to enter it beside us. */
  readonly account: Account | undefined
  /** Applications beside the first one. Default: none. */
  readonly mounts?: number
  /** A set-up: nothing is started, a server may be running in it, and there will be a control script. */
  readonly setUp?: boolean
  /** The certificate is written, too. */
  readonly chain?: boolean
}

/** A server root as it would be, without touching it: for what only looks. */
export function describeServerRoot(
  directory: string | undefined,
  mounts: number,
  proxy?: ServerRootOptions['proxy'],
): ServerRoot {
  return describe(
    directory === undefined ? join(tmpdir(), 'tsgi-XXXXXX') : resolve(directory),
    directory === undefined,
    mounts,
    proxy,
  )
}

/**
 * Makes the server root.
 *
 * Throws `TSGI_ERR_SERVER_ROOT` where it is not private to us or cannot be used, `TSGI_ERR_SOCKET_PATH_TOO_LONG`.
 */
export async function prepareServerRoot({
  directory,
  proxy,
  account,
  mounts = 0,
  setUp = false,
  chain = false,
}: ServerRootOptions): Promise<ServerRoot> {
  const fresh = directory === undefined
  const parent = fresh ? tmpdir() : resolve(directory)
  // Before there is anything to take away. mkdtemp adds six characters, and the socket has a longer name for a moment.
  const place = fresh ? join(parent, 'tsgi-XXXXXX') : parent
  if (proxy !== undefined) new SocketPath(join(place, mounts === 0 ? SOCKET_NAME : mountSocketName(mounts - 1)))
  // Nor is a directory left that nobody could use.
  if (!fresh && account !== undefined) checkEntry(nearestDirectory(parent), parent, account)
  const root = describe(fresh ? makeFresh(parent) : openGiven(parent, account), fresh, mounts, proxy)
  try {
    if (fresh && account !== undefined) {
      giveTo(root.path, account)
      checkEntry(root.path, root.path, account)
    }
    checkForeign(root, { proxied: proxy !== undefined, chain, script: setUp })
    if (!fresh && !setUp) await checkUnused(root)
    if (proxy !== undefined) makeSpool(root.spoolPath, account)
  } catch (error) {
    if (fresh) root.remove()
    throw error instanceof TsgiError ? error : unusableRoot(root.path, error)
  }
  return root
}

/** Refuses a server root with something in it that would be lost and is not ours. Throws `TSGI_ERR_SERVER_ROOT`. */
export function checkForeign(root: ServerRoot, written: WrittenFiles): void {
  const file = foreignFile(root, written)
  if (file === undefined) return
  throw new TsgiError('TSGI_ERR_SERVER_ROOT', `${whyForeign(file)}; ${howToLeave(root, file)}`)
}

export function whyForeign(file: string): string {
  return `${quote(file)} is not ours (what we write begins with "${OUR_MARK}"), and would be lost`
}

function howToLeave(root: ServerRoot, file: string): string {
  const own = shellLine(['--server-root', join(root.path, 'tsgi')])
  return `take a directory that holds nothing else, such as ${own}, or move the file away: ${shellLine(['mv', file, `${file}.mine`])}`
}

function mountSocketName(index: number): string {
  return `mount-${index + 1}.sock`
}

function describe(path: string, fresh: boolean, mounts: number, proxy: ServerRootOptions['proxy']): ServerRoot {
  const { configurationName, pidName } = proxy ?? NO_PROXY
  const [socketPath, pidPath, spoolPath] = [join(path, SOCKET_NAME), join(path, pidName), join(path, 'temp')]
  const configurationPath = join(path, configurationName)
  const runningPath = `${configurationPath}.running`
  const mountSocketPath = (index: number): string => join(path, mountSocketName(index))
  const socketPaths = [socketPath, ...Array.from({ length: mounts }, (_, index) => mountSocketPath(index))]
  return {
    path,
    fresh,
    socketPath,
    socketPaths,
    mountSocketPath,
    controlSocketPath: localSocketsAre() === 'files' ? join(path, 'ctl.sock') : undefined,
    configurationPath,
    pidPath,
    runningPath,
    currentPath: join(runningPath, 'current', configurationName),
    spoolPath,
    certificatePath: join(path, 'certificate.pem'),
    maintenancePath: join(path, 'maintenance'),
    accessLogPath: join(path, 'access.log'),
    errorLogPath: join(path, 'error.log'),
    failuresPath: join(path, 'tsgi-failures.log'),
    environPath: join(path, 'environ'),
    rulesPath: (proxyType) => join(path, `${proxyType}-rules.conf`),
    controlScriptPath: join(path, 'tsgictl'),
    remove() {
      // A test of the configuration that a stop has overtaken makes its files until it has ended.
      if (fresh) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
      // Without a proxy none of these is ours.
      else if (proxy !== undefined)
        for (const each of [
          ...socketPaths,
          pidPath,
          spoolPath,
          join(path, 'tsgi-failures.log'),
          `${configurationPath}.next`,
          runningPath,
        ])
          rmSync(each, { recursive: true, force: true })
    },
  }
}

function makeFresh(parent: string): string {
  try {
    return realpathSync(mkdtempSync(join(parent, 'tsgi-')))
  } catch (error) {
    throw unusableRoot(parent, error)
  }
}

/** The directory that the operator named: made where it is missing, else only looked at. */
function openGiven(path: string, account: Account | undefined): string {
  let stats: Stats | undefined
  try {
    stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined) {
      for (const made of makeDirectories(path)) {
        chmodSync(made, 0o700)
        if (account !== undefined) giveTo(made, account)
      }
      stats = statSync(path)
    }
  } catch (error) {
    throw unusableRoot(path, error)
  }
  if (!stats.isDirectory()) throw new TsgiError('TSGI_ERR_SERVER_ROOT', `${quote(path)} is not a directory`)
  const uid = process.getuid?.()
  if (uid !== undefined && stats.uid !== uid) {
    throw new TsgiError(
      'TSGI_ERR_SERVER_ROOT',
      `${quote(path)} belongs to user ${stats.uid}, not to us (user ${uid}); take a directory of your own`,
    )
  }
  if (hasFileModes() && (stats.mode & 0o002) !== 0) {
    throw new TsgiError(
      'TSGI_ERR_SERVER_ROOT',
      `everyone may write to ${quote(path)}; type \`chmod o-w\` on it, or take another directory`,
    )
  }
  return path
}

/** One level after the other: `recursive` never returns below a directory that can hold none, such as /proc. Gives what it has made. */
function makeDirectories(path: string): string[] {
  const parent = dirname(path)
  const above = statSync(parent, { throwIfNoEntry: false }) === undefined ? makeDirectories(parent) : []
  mkdirSync(path, { mode: 0o700 })
  return [...above, path]
}

/** Where the proxy makes its directories for bodies that do not fit in memory. */
function makeSpool(path: string, account: Account | undefined): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o700 })
  if (account !== undefined) giveTo(path, account)
}

/** Lets the account's group enter and read, nobody else. */
function giveTo(path: string, account: Account): void {
  chownSync(path, 0, account.gid)
  chmodSync(path, 0o750)
}

/** The proxy's workers reach the socket only through directories that they may enter; else every request would be an error. */
function checkEntry(place: string, path: string, account: Account): void {
  const directory = barrier(place, account)
  if (directory === undefined) return
  const fix =
    directory === path
      ? `type \`chgrp ${account.group} ${shellWord(path)} && chmod g+x ${shellWord(path)}\``
      : `take a directory that is not below ${quote(directory)}`
  throw new TsgiError(
    'TSGI_ERR_SERVER_ROOT',
    `the proxy's workers run as ${account.user} and cannot enter ${quote(directory)}; ${fix}`,
  )
}

/** Refuses a server root whose socket is answered: its server is running. A socket that nobody answers is left over, and goes. */
async function checkUnused(root: ServerRoot): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const socket = connect(root.socketPath, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => {
      resolve(false)
    })
  })
  if (alive)
    throw new TsgiError(
      'TSGI_ERR_SERVER_ROOT',
      `another server is running in ${quote(root.path)}; stop it, or take another directory`,
    )
}
