import { createRequire } from 'node:module'
import { appFile } from './launched-app.ts'

/** What the tests use of a socket of socket.io-client, which is installed with the applications. */
export interface ChatSocket {
  readonly connected: boolean
  readonly io: { readonly engine: { readonly transport: { readonly name: string } } }
  once(event: string, listener: (...args: unknown[]) => void): void
  on(event: string, listener: (...args: unknown[]) => void): void
  emit(event: string, ...args: unknown[]): void
  emitWithAck(event: string, ...args: unknown[]): Promise<unknown>
  disconnect(): void
}

/** Connects to the chat under test/apps over these transports, the first of them first. */
export async function connectChat(url: string, transports: readonly string[]): Promise<ChatSocket> {
  const require = createRequire(appFile('socketio/package.json'))
  // Its types are installed with the applications, so this checkout may be without them.
  const { io } = require('socket.io-client') as { io: (url: string, options: object) => ChatSocket }
  const socket = io(url, { transports, forceNew: true, reconnection: false })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('connect_error', (error) => reject(error instanceof Error ? error : new Error(String(error))))
  })
  return socket
}

/** Resolves to what comes with the next event of this name. */
export function nextEvent(socket: ChatSocket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => {
    socket.once(event, (...args) => resolve(args))
  })
}
