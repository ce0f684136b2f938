import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

import { quote, TsgiError } from '../interface/errors.ts'
import { formatBindAddress } from '../server/address.ts'
import type { ListenAddress } from '../proxy/site.ts'

/** Between two attempts while nothing listens yet, and after a wrong answer, milliseconds. */
const CONNECT_RETRY_MS = 10
const ANSWER_RETRY_MS = 100

/** Wrong answers that are one too many: the workers are ready by now, so that it will not get better. */
const MAX_WRONG_ANSWERS = 5

export interface ProbeOptions {
  readonly address: ListenAddress
  /** By HTTPS. Whoever the certificate is for, and whoever has signed it: clients judge that. */
  readonly secure?: boolean
  /** Whom the request is for, where the proxy answers to some names only. Default: the address. */
  readonly host?: string | undefined
  /** The proxy asks every client for a certificate, which we have none of: its refusal is as far as we get. */
  readonly refused?: boolean
  readonly mountPoint: string
  readonly token: string
  /** All attempts together, milliseconds. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Asks for the way through proxy and worker as a client would, until a worker answers with our token's sign.
 * Throws `TSGI_ERR_PROBE` with what was seen; rejects with the signal's reason when it is aborted.
 */
export async function probe(options: ProbeOptions): Promise<void> {
  const deadline = Date.now() + options.timeoutMs
  let wrongAnswers = 0
  let seen: string
  do {
    try {
      const answer = await ask(options, Math.max(1, deadline - Date.now()))
      if (answer === undefined) return
      seen = answer
      wrongAnswers += 1
      if (wrongAnswers === MAX_WRONG_ANSWERS) break
      await sleep(ANSWER_RETRY_MS, undefined, { signal: options.signal })
    } catch (error) {
      options.signal.throwIfAborted()
      seen = quote(error)
      await sleep(CONNECT_RETRY_MS)
    }
  } while (Date.now() < deadline)
  throw new TsgiError('TSGI_ERR_PROBE', `${probeUrl(options)} gives ${seen}`)
}

/** undefined for a worker's answer, else what was answered. */
function ask(options: ProbeOptions, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const send = options.secure === true ? secureRequest : request
    const outgoing = send(
      probeUrl(options),
      {
        agent: false,
        headers: {
          'X-TSGI-Probe': options.token,
          Connection: 'close',
          ...(options.host === undefined ? {} : { Host: options.host }),
        },
        ...(options.secure === true ? { rejectUnauthorized: false, servername: options.host ?? '' } : {}),
        signal: AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]),
      },
      (answer) => {
        answer.on('error', reject)
        answer.resume()
        const { statusCode, statusMessage, headers } = answer
        if (statusCode === 204 && headers['x-tsgi-probe'] === 'ok') resolve(undefined)
        else if (options.refused === true && (statusCode === 400 || statusCode === 403)) resolve(undefined)
        else
          resolve(`"${statusCode} ${statusMessage ?? ''}"${headers.server === undefined ? '' : ` from ${quote(headers.server)}`}`)
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** A path that no file has: files go before the application. */
function probeUrl({ address, mountPoint, secure }: ProbeOptions): string {
  const scheme = secure === true ? 'https' : 'http'
  return `${scheme}://${formatBindAddress({ type: 'tcp', ...reachable(address) })}${encodeURI(mountPoint)}/tsgi-probe`
}

/** An address that means every address cannot be connected to everywhere: the loopback address of its family then. */
export function reachable({ host, port }: ListenAddress): ListenAddress {
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port }
}
