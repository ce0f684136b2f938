import { lookup } from 'node:dns/promises'
import { createServer } from 'node:net'

import { quote, TsgiError } from '../interface/errors.ts'
import { describeHolder } from '../process/socket-holder.ts'
import type { ListenAddress } from '../proxy/site.ts'
import { formatBindAddress } from '../server/address.ts'

type PortOption = 'port' | 'https-port'

/**
 * Finds out, before anything is started, where the server can be reached: every address of `host`, each with a port that is free.
 * Port 0 becomes a free one. Addresses of a family that this machine lacks are left out while another is there.
 *
 * `option` is where the port came from.
 *
 * Throws `TSGI_ERR_ADDRESS_IN_USE` and `TSGI_ERR_LISTEN`, with the cause and what to do.
 */
export async function checkPort(host: string, port: number, option: PortOption = 'port'): Promise<ListenAddress[]> {
  const free: ListenAddress[] = []
  let failure: NodeJS.ErrnoException | undefined
  for (const address of await addressesOf(host)) {
    const wanted = { host: address, port: free[0]?.port ?? port }
    try {
      free.push({ host: address, port: await tryToListen(wanted) })
    } catch (error) {
      const cause = error as NodeJS.ErrnoException // net.Server emits system errors only
      if (cause.code !== 'EADDRNOTAVAIL' && cause.code !== 'EAFNOSUPPORT') throw explain(wanted, cause, option)
      failure = cause
    }
  }
  if (free.length > 0) return free
  throw new TsgiError(
    'TSGI_ERR_LISTEN',
    `${quote(host)} is not an address of this machine; --host 127.0.0.1 answers this machine only, 0.0.0.0 everyone`,
    { cause: failure },
  )
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return [...new Set((await lookup(host, { all: true })).map(({ address }) => address))]
  } catch (error) {
    throw new TsgiError('TSGI_ERR_LISTEN', `--host ${quote(host)} has no address: ${quote(error)}`, { cause: error })
  }
}

/** Listens for a moment as the proxy will. Resolves to the port. */
function tryToListen({ host, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      const taken = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => {
        resolve(taken)
      })
    })
  })
}

function explain(address: ListenAddress, cause: NodeJS.ErrnoException, option: PortOption): TsgiError {
  const tcp = { type: 'tcp', ...address } as const
  const text = formatBindAddress(tcp)
  if (cause.code === 'EADDRINUSE') {
    const holder = describeHolder(tcp) ?? 'another process'
    return new TsgiError(
      'TSGI_ERR_ADDRESS_IN_USE',
      `${text}. ${holder} holds it; stop that, or choose another port with --${option}`,
      { cause },
    )
  }
  if (cause.code === 'EACCES') {
    return new TsgiError('TSGI_ERR_LISTEN', `${text}: a port below 1024 needs root; choose one from 1024 up with --${option}`, {
      cause,
    })
  }
  return new TsgiError('TSGI_ERR_LISTEN', `${text}: ${quote(cause)}`, { cause })
}
