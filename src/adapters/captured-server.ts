import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { Server as NetServer } from 'node:net'

/** An address as `server.address()` gives it: of a port, or the path of a socket. */
type CapturedAddress = { readonly address: string; readonly family: string; readonly port: number } | string

/** Node's own method, whose overloads are of no interest here. */
const NODE = NetServer.prototype as unknown as { listen(...args: unknown[]): NetServer }

/** What the owner of a capture decides. */
export interface CaptureOptions {
  /** Whether this server is the application's: the workers' socket stands for the one that it asks for. Called at each `listen()`. */
  readonly takes: (server: HttpServer) => boolean
  /** The application closes a server that was captured. Calls back when its requests are finished. */
  readonly onClose: (finished: () => void) => void
}

/**
 * Stands in the place of `listen()` of `node:http`'s and `node:https`' servers, so that a script which opens a port serves the
 * workers' socket instead, with no edit. TLS is the proxy's.
 *
 * A captured server behaves as if it listened: 'listening', the callback, `listening`, `address()` with the address that was
 * asked for, `close()`. Calls of other servers pass through.
 */
export class ListenCapture {
  readonly #options: CaptureOptions
  readonly #arguments = new Map<HttpServer, unknown[]>()

  constructor(options: CaptureOptions) {
    this.#options = options
    const capture = (server: HttpServer, args: unknown[]): boolean => this.#capture(server, args)
    for (const { prototype } of [HttpServer, HttpsServer]) {
      // Inherited from net.Server: an own member covers it.
      Object.defineProperty(prototype, 'listen', {
        configurable: true,
        writable: true,
        value(this: HttpServer, ...args: unknown[]): NetServer {
          return capture(this, args) ? this : NODE.listen.apply(this, args)
        },
      })
    }
  }

  /** Lets a captured server listen after all, where it asked to. */
  release(server: HttpServer): void {
    const args = this.#arguments.get(server)
    if (args === undefined) return
    this.#arguments.delete(server)
    for (const name of ['listening', 'address', 'close']) Reflect.deleteProperty(server, name)
    // Its callback has been called.
    const options = args.filter((argument) => typeof argument !== 'function')
    NODE.listen.apply(server, options)
  }

  /** Tells a captured server that nothing comes any more. */
  finish(): void {
    for (const server of this.#arguments.keys()) if (server.listening) closed(server)
  }

  #capture(server: HttpServer, args: unknown[]): boolean {
    if (this.#arguments.has(server)) {
      if (server.listening)
        throw Object.assign(new Error('Listen method has been called more than once'), { code: 'ERR_SERVER_ALREADY_LISTEN' })
    } else if (!this.#options.takes(server)) {
      return false
    }
    this.#arguments.set(server, args)
    const callback = args.at(-1)
    if (typeof callback === 'function') server.once('listening', callback as () => void)
    const address = requestedAddress(args)
    define(server, 'listening', true)
    define(server, 'address', () => address)
    define(server, 'close', (done?: (error?: Error) => void) => this.#close(server, done))
    const signal = listenSignal(args)
    if (signal?.aborted === true) process.nextTick(() => server.close())
    else signal?.addEventListener('abort', () => server.close(), { once: true })
    // As a real one does: after the caller's own statements.
    process.nextTick(() => {
      if (server.listening) server.emit('listening')
    })
    return true
  }

  #close(server: HttpServer, done: ((error?: Error) => void) | undefined): HttpServer {
    if (!server.listening) {
      if (done !== undefined) {
        const error = Object.assign(new Error('Server is not running.'), { code: 'ERR_SERVER_NOT_RUNNING' })
        process.nextTick(done, error)
      }
      return server
    }
    if (done !== undefined) server.once('close', () => done())
    define(server, 'listening', false)
    this.#options.onClose(() => server.emit('close'))
    return server
  }
}

function closed(server: HttpServer): void {
  define(server, 'listening', false)
  server.emit('close')
}

function define(server: HttpServer, name: string, value: unknown): void {
  Object.defineProperty(server, name, { configurable: true, enumerable: false, writable: true, value })
}

/** What `net.Server.listen()` was asked for, in any of its forms; the address of a port of 0 has the port 0. */
function requestedAddress(args: readonly unknown[]): CapturedAddress {
  const [first, second] = args
  if (typeof first === 'object' && first !== null) {
    const path: unknown = Reflect.get(first, 'path')
    if (typeof path === 'string') return path
    return addressOf(Reflect.get(first, 'port'), Reflect.get(first, 'host'))
  }
  if (typeof first === 'string' && !/^\d{1,5}$/.test(first)) return first
  return addressOf(first, second)
}

function addressOf(port: unknown, host: unknown): CapturedAddress {
  const address = typeof host === 'string' && host !== '' ? (host === 'localhost' ? '127.0.0.1' : host) : '::'
  return { address, family: address.includes(':') ? 'IPv6' : 'IPv4', port: Number(port ?? 0) || 0 }
}

function listenSignal(args: readonly unknown[]): AbortSignal | undefined {
  const [first] = args
  const signal: unknown = typeof first === 'object' && first !== null ? Reflect.get(first, 'signal') : undefined
  return signal instanceof AbortSignal ? signal : undefined
}
