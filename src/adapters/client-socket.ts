import { Duplex } from 'node:stream'
import { findParam } from '../gateway/params.ts'
import { familyOf, isEncrypted, portOf } from '../gateway/peer.ts'

/** Strings are sent as they are; the connection encodes them. */
const OPTIONS = { decodeStrings: false, allowHalfOpen: true, emitClose: true } as const

/**
 * A stream that tells of the client's connection with the proxy what `net.Socket` and `tls.TLSSocket` tell: from the proxy's
 * variables alone, never from a header field (RFC 3875, section 4.1).
 */
export abstract class ClientSocket extends Duplex {
  readonly #params: readonly string[]
  readonly connecting = false
  readonly pending = false
  bytesRead = 0
  bytesWritten = 0

  constructor(params: readonly string[]) {
    super(OPTIONS)
    this.#params = params
  }

  // Who is at the other end.

  get remoteAddress(): string | undefined {
    return findParam(this.#params, 'REMOTE_ADDR') || undefined
  }

  get remotePort(): number | undefined {
    return portOf(findParam(this.#params, 'REMOTE_PORT'))
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress)
  }

  get localAddress(): string | undefined {
    return findParam(this.#params, 'SERVER_ADDR') || undefined
  }

  get localPort(): number | undefined {
    return portOf(findParam(this.#params, 'SERVER_PORT'))
  }

  get localFamily(): string | undefined {
    return familyOf(this.localAddress)
  }

  /** As `tls.TLSSocket` has it: the client speaks TLS with the proxy. */
  get encrypted(): boolean {
    return isEncrypted(this.#params)
  }

  address(): { address?: string; family?: string; port?: number } {
    const { localAddress, localFamily, localPort } = this
    return {
      ...(localAddress === undefined ? {} : { address: localAddress }),
      ...(localFamily === undefined ? {} : { family: localFamily }),
      ...(localPort === undefined ? {} : { port: localPort }),
    }
  }

  get readyState(): string {
    return this.destroyed ? 'closed' : 'open'
  }

  // What is set on a socket, where it means something here.

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}
