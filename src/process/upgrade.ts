import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

import { TsgiError } from '../interface/errors.ts'
import type { BindAddress } from '../server/address.ts'
import { formatBindAddress } from '../server/address.ts'

/**
 * A master is replaced by a fresh process of the same command line, which may be another version of Node or of this package. It
 * inherits the listening descriptors, so no connection is refused; the old master stops when the new one says that it is ready.
 */

/** In the environment of the new master: the descriptors that it inherits, in the order of its addresses. */
const VARIABLE = 'TSGI_INHERITED_SOCKETS'

/** Descriptors of a child: 0 to 2, the message channel, then what it inherits. */
const FIRST_FD = 4

/** What a new master says when it serves. */
const READY = 'tsgi: upgraded'

/** A listening descriptor and what it is bound to. */
export interface InheritedSocket {
  readonly fd: number
  readonly address: BindAddress
}

/**
 * Starts the new master, with `variables` in its environment; resolves with its pid when it serves. Rejects with `TSGI_ERR_MASTER_UPGRADE` where it ends before that, or is
 * not ready in time, and is killed then: the old master has lost nothing. So it is when `signal` aborts: a stop means both.
 */
export async function upgrade(
  sockets: readonly InheritedSocket[],
  {
    timeoutMs,
    signal,
    variables,
  }: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly variables: Readonly<Record<string, string>> },
): Promise<number> {
  if (process.pid === 1) {
    throw new TsgiError(
      'TSGI_ERR_MASTER_UPGRADE',
      'this is the first process of a container, which ends with it: start a new container',
    )
  }
  const inherited = sockets.map(({ address }, index): InheritedSocket => ({ fd: FIRST_FD + index, address }))
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...sockets.map(({ fd }) => fd)],
    env: { ...process.env, ...variables, [VARIABLE]: JSON.stringify(inherited) },
  })
  try {
    await readiness(child, timeoutMs, signal)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  child.disconnect()
  child.unref()
  return child.pid ?? 0
}

function readiness(child: ChildProcess, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(failed(`it was not ready after ${timeoutMs} ms`)), timeoutMs)
    const fail = (why: string): void => {
      clearTimeout(timer)
      reject(failed(why))
    }
    signal.addEventListener('abort', () => fail('the server was stopped meanwhile'), { once: true })
    child.once('exit', (code, signal) => fail(`it ended with ${signal ?? `exit code ${code ?? 0}`}; its own message says why`))
    child.once('error', (error) => fail(error.message))
    child.on('message', (message) => {
      if (message !== READY) return
      clearTimeout(timer)
      resolve()
    })
  })
}

/** What this process has inherited as a new master; undefined where it is none. Takes the variable out of the environment. */
export function inheritedSockets(): readonly InheritedSocket[] | undefined {
  const text = process.env[VARIABLE]
  if (text === undefined || process.send === undefined) return undefined
  Reflect.deleteProperty(process.env, VARIABLE)
  // Our own, from the same command line; who can set it can do worse.
  return JSON.parse(text) as InheritedSocket[]
}

/** What was inherited for an address that was asked for. A port of 0 is the one that the old master was given. */
export function inheritedFrom(sockets: readonly InheritedSocket[], wanted: BindAddress): InheritedSocket | undefined {
  return sockets.find(({ address }) => {
    if (wanted.type === 'tcp' && wanted.port === 0 && address.type === 'tcp') return address.host === wanted.host
    return formatBindAddress(address) === formatBindAddress(wanted)
  })
}

/** Tells the old master that this one serves; it stops then. */
export function reportUpgraded(): void {
  process.send?.(READY, undefined, undefined, () => {
    // The old one may have let go of it already.
    if (process.connected) process.disconnect()
  })
}

function failed(why: string): TsgiError {
  return new TsgiError('TSGI_ERR_MASTER_UPGRADE', `${why}. The old one serves on`)
}
