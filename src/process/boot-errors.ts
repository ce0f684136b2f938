import { TsgiError } from '../interface/errors.ts'
import { formatBindAddress } from '../server/address.ts'
import type { BindAddress } from '../server/address.ts'
import { addressInUse } from './listening-socket.ts'
import type { BootFailure } from './worker-messages.ts'

/** `TSGI_ERR_WORKER_BOOT` with the application's error: code and message in the first line, its stack in those below. */
export function bootError(failure: BootFailure): TsgiError {
  return new TsgiError('TSGI_ERR_WORKER_BOOT', [`${failure.code} ${failure.message}`, ...failure.stack].join('\n'))
}

/** A worker could not listen on a descriptor that the master had bound to `address`. */
export function listenError(failure: BootFailure, address: BindAddress): TsgiError {
  if (failure.code === 'TSGI_ERR_ADDRESS_IN_USE') return addressInUse(address)
  return new TsgiError('TSGI_ERR_LISTEN', `${formatBindAddress(address)}: ${failure.message}`)
}

/** `loading`: the file that the worker was still loading. */
export function startupTimeoutError(timeoutMs: number, loading: string | undefined): TsgiError {
  const doing = loading === undefined ? 'was about to listen' : `was still loading ${loading}`
  return new TsgiError('TSGI_ERR_WORKER_BOOT', `not ready after ${timeoutMs} ms (--startup-timeout): it ${doing}, and was killed`)
}

export function stoppedWhileStarting(): TsgiError {
  return new TsgiError('TSGI_ERR_WORKER_BOOT', 'stopped while starting')
}
