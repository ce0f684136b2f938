import { inShort, TsgiError } from '../interface/errors.ts'
import { formatBindAddress } from '../server/address.ts'
import type { BindAddress } from '../server/address.ts'
import { addressInUse } from './listening-socket.ts'
import { foldOwnFrames } from './own-frames.ts'
import type { BootFailure, BootStep } from './worker-messages.ts'

/** `TSGI_ERR_WORKER_BOOT` with the application's error: code and message in the first line, its stack in those below. */
export function bootError(failure: BootFailure): TsgiError {
  const [first = '', ...rest] = foldOwnFrames(failure.stack)
  // The stack begins with the error, which has just been said.
  const stack = failure.message.endsWith(first.replace(/^\w*Error: /, '')) ? rest : [first, ...rest]
  return new TsgiError('TSGI_ERR_WORKER_BOOT', [inShort(failure), ...stack].join('\n'))
}

/** A worker could not listen on a descriptor that the master had bound to `address`. */
export function listenError(failure: BootFailure, address: BindAddress): TsgiError {
  if (failure.code === 'TSGI_ERR_ADDRESS_IN_USE') return addressInUse(address)
  return new TsgiError('TSGI_ERR_LISTEN', `${formatBindAddress(address)}: ${failure.message}`)
}

/** `file` is the application's, `step` what the worker was at. */
export function startupTimeoutError(timeoutMs: number, file: string, step: BootStep): TsgiError {
  const doing = {
    loading: `was still loading ${file}`,
    waiting: `waited for ${file}, which exports no application, to call listen() of a node:http server`,
    startup: `was still in startup() of the lifespan of ${file}`,
    listening: 'was about to listen',
  }[step]
  return new TsgiError('TSGI_ERR_WORKER_BOOT', `not ready after ${timeoutMs} ms (--startup-timeout): it ${doing}, and was killed`)
}

export function stoppedWhileStarting(): TsgiError {
  return new TsgiError('TSGI_ERR_WORKER_BOOT', 'stopped while starting')
}
