import { lstatSync, symlinkSync, unlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname, join, resolve } from 'node:path'

import { TsgiError } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { localSocketsAre } from '../server/platform.ts'
import { SocketPath } from '../server/socket-path.ts'
import { ControlConnection } from './control-connection.ts'
import type { RunCommand } from './control-connection.ts'
import { controlPipe } from './control-pipe.ts'
import { failureLine } from './control-protocol.ts'
import { Deferred } from '../loading/deferred.ts'
import { leaveRuntimeDirectory, isDirectory, openRuntimeDirectory, removeStaleSockets, socketName } from './runtime-directory.ts'

/** Clients at once: people, and the scripts of a few. */
const MAX_CLIENTS = 64

/** What clients get at the end to read their last reply, milliseconds. */
const LAST_REPLY_MS = 300

/**
 * How often the socket's name is looked for, milliseconds: programs that clean temporary directories, and the end of a session,
 * remove names that are in use.
 */
const LOOK_MS = 10_000

export interface ControlSocketOptions {
  /** A path, or a directory for `<pid>.sock`; undefined: in the directory where `tsgi ctl` looks. */
  readonly path: string | undefined
  /** A socket that lives at the path is this process's predecessor's, whose place it takes. */
  readonly takeOver: boolean
  readonly log: Logger
  readonly run: RunCommand
  readonly lookMs?: number
}

/**
 * The unix socket on which a master takes commands, from its own user and from root: its mode is 0600 from the first moment.
 * On Windows a named pipe, which needs no care: nobody can take its name away, and it goes with its server.
 */
export class ControlSocket {
  readonly #options: ControlSocketOptions
  readonly #connections = new Set<ControlConnection>()
  #server: Server | undefined
  #path: SocketPath | undefined
  #pipe: string | undefined
  /** In the directory where `tsgi ctl` looks; leads to a socket that is elsewhere. */
  #link: string | undefined
  #directory: string | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** After the end: no client is left. */
  readonly #emptied = new Deferred<void>()

  constructor(options: ControlSocketOptions) {
    this.#options = options
  }

  /** Where it listens; undefined where it does not. */
  get path(): string | undefined {
    return this.#path?.path ?? this.#pipe
  }

  /** Never fails: a server without a control socket serves all the same, and says once why it has none. */
  async listen(): Promise<void> {
    try {
      if (localSocketsAre() === 'pipes') await this.#openPipe()
      else await this.#open(this.#options.takeOver)
    } catch (error) {
      this.#refuse(error)
      return
    }
    if (this.#closed || this.#pipe !== undefined) return
    this.#timer = setInterval(() => void this.#look(), this.#options.lookMs ?? LOOK_MS)
    this.#timer.unref()
  }

  /** Resolves when the clients have had their replies. */
  async close(): Promise<void> {
    this.#closed = true
    this.#withdraw()
    if (this.#connections.size === 0) return
    const limit = setTimeout(() => this.#emptied.resolve(), LAST_REPLY_MS)
    for (const connection of this.#connections) connection.finish()
    await this.#emptied.promise
    clearTimeout(limit)
    for (const connection of this.#connections) connection.destroy()
  }

  async #open(takeOver: boolean): Promise<void> {
    const path = new SocketPath(this.#place())
    if (!takeOver) await path.claim()
    const server = this.#makeServer()
    try {
      await bindPrivately(server, path.temporary)
      path.publish()
    } catch (error) {
      server.close()
      path.remove()
      throw error
    }
    this.#keep(server)
    this.#path = path
    if (this.#closed) this.#withdraw()
    else await this.#makeFindable(path.path)
  }

  async #openPipe(): Promise<void> {
    const pipe = controlPipe(this.#options.path, process.pid)
    const server = this.#makeServer()
    await listening(server, pipe)
    this.#keep(server)
    this.#pipe = pipe
    if (this.#closed) this.#withdraw()
  }

  #makeServer(): Server {
    return createServer({ allowHalfOpen: true }, (socket) => this.#onConnection(socket))
  }

  #keep(server: Server): void {
    // A client that could not be accepted tries again; the next one is.
    server.on('error', () => {})
    // Supervision is what keeps the process alive.
    server.unref()
    this.#server = server
  }

  #place(): string {
    const { path } = this.#options
    if (path === undefined) return join((this.#directory = openRuntimeDirectory()), socketName(process.pid))
    const absolute = resolve(path)
    return isDirectory(absolute) ? join(absolute, socketName(process.pid)) : absolute
  }

  async #makeFindable(path: string): Promise<void> {
    try {
      if (this.#options.path !== undefined && !isDirectory(this.#options.path)) {
        this.#directory = openRuntimeDirectory()
        const link = join(this.#directory, socketName(process.pid))
        // What is there is of an earlier process with this pid.
        removeQuietly(link)
        symlinkSync(path, link)
        this.#link = link
      }
      await removeStaleSockets(dirname(this.#link ?? path))
    } catch (error) {
      this.#options.log.info(`tsgi ctl finds this server by --socket ${path} only (${messageOf(error)})`)
    }
  }

  #onConnection(socket: Socket): void {
    if (this.#connections.size >= MAX_CLIENTS) {
      socket.on('error', () => {})
      socket.end(failureLine(new TsgiError('TSGI_ERR_CONTROL', `there are ${MAX_CLIENTS} clients already`)), () =>
        socket.destroy(),
      )
      return
    }
    const connection = new ControlConnection(socket, this.#options.run, () => {
      this.#connections.delete(connection)
      if (this.#closed && this.#connections.size === 0) this.#emptied.resolve()
    })
    this.#connections.add(connection)
  }

  /** Makes the socket anew where its name has gone. */
  async #look(): Promise<void> {
    const path = this.path
    if (path === undefined || this.#closed) return
    const lost = [path, ...(this.#link === undefined ? [] : [this.#link])].filter((each) => !isThere(each))
    if (lost.length === 0) return
    this.#withdraw()
    try {
      await this.#open(false)
      this.#options.log.info(`somebody removed the control socket ${path}; it is there again`)
    } catch (error) {
      clearInterval(this.#timer)
      this.#refuse(error)
    }
  }

  /** Clients stay. */
  #withdraw(): void {
    if (this.#closed) clearInterval(this.#timer)
    if (this.#link !== undefined) removeQuietly(this.#link)
    this.#link = undefined
    this.#path?.remove()
    this.#path = undefined
    this.#pipe = undefined
    this.#server?.close()
    this.#server = undefined
    if (this.#directory !== undefined) leaveRuntimeDirectory(this.#directory)
  }

  #refuse(error: unknown): void {
    const text = `no control socket, so tsgi ctl cannot reach this server: ${messageOf(error)}. --control-socket PATH chooses another place, --no-control-socket does without`
    this.#options.log.warn(text)
  }
}

/** Binds with the mode 0600, so that not even for a moment somebody else can connect, whatever the umask. */
async function bindPrivately(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o177)
  let bound: Promise<void>
  try {
    bound = listening(server, path)
  } finally {
    process.umask(umask)
  }
  await bound
}

/** Binds at once, and resolves when that is known to have succeeded. */
function listening(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('listening', done)
    server.once('error', fail)
    // exclusive: Node's cluster module would otherwise bind later, and elsewhere.
    server.listen({ path, exclusive: true })
  })
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It has gone already.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
