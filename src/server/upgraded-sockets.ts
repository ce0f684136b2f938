import type { Socket } from 'node:net'

/** Status 1001, "going away", unmasked, as a server sends it (RFC 6455, sections 5.5.1 and 7.4.1). */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9])

/** How much of the time for a stop the close frames are spread over: the last client told must have time to answer. */
const SPREAD_SHARE = 0.8

/** Longest wait between two close frames, milliseconds: few clients need no spreading. Also the whole spread where a stop has no limit. */
const MAX_GAP_MS = 1000

/** How long a client may take to answer a close frame, milliseconds. Browsers do so at once. */
const CLOSE_ANSWER_MS = 5000

/** How soon those are looked at again that could not be told when it was their turn, milliseconds. */
const RETRY_MS = 50

interface Upgraded {
  readonly socket: Socket
  readonly isWebSocket: boolean
  /** `bytesWritten` when the application got it: more than that, and its 101 is sent. */
  readonly writtenBefore: number
  /** When the close frame had left, `performance.now()`; 0: it has not. */
  toldAt: number
}

/**
 * The connections that applications have taken over. The server has no part in them until it stops: then WebSockets are told
 * so one after the other, for clients that all reconnect at the same moment bring down what they reconnect to.
 */
export class UpgradedSockets {
  readonly #all = new Map<Socket, Upgraded>()
  /** WebSockets still to be told, in this order. */
  readonly #waiting = new Set<Upgraded>()
  readonly #onEmpty: () => void
  #draining = false
  #gapMs = 0
  #nextAt = 0
  #timer: NodeJS.Timeout | undefined

  /** `onEmpty` is called when the last of them has closed. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  get size(): number {
    return this.#all.size
  }

  /** `protocol`: what the client asked for. */
  add(socket: Socket, protocol: string): void {
    const isWebSocket = protocol.trim().toLowerCase() === 'websocket'
    const upgraded = { socket, isWebSocket, writtenBefore: socket.bytesWritten, toldAt: 0 }
    this.#all.set(socket, upgraded)
    socket.on('close', () => this.#forget(upgraded))
    // Without a listener an error ends the process, and one that comes before the application has listened is not its fault.
    socket.on('error', ignore)
    if (this.#draining && isWebSocket) {
      this.#waiting.add(upgraded)
      this.#schedule()
    }
  }

  /** Tells WebSockets that the server goes away, spread over most of `windowMs`. A second call spreads what is left anew. */
  drain(windowMs: number): void {
    if (!this.#draining) for (const upgraded of this.#all.values()) if (upgraded.isWebSocket) this.#waiting.add(upgraded)
    this.#draining = true
    const spreadMs = windowMs === Infinity ? MAX_GAP_MS : SPREAD_SHARE * Math.max(0, windowMs)
    this.#gapMs = Math.min(spreadMs / Math.max(1, this.#waiting.size), MAX_GAP_MS)
    this.#nextAt = performance.now()
    this.#stopTimer()
    this.#schedule()
  }

  /** Called about once a second. `now` is `performance.now()`. */
  checkTimeouts(now: number): void {
    for (const { socket, toldAt } of this.#all.values()) if (toldAt !== 0 && now - toldAt > CLOSE_ANSWER_MS) socket.destroy()
  }

  /** Closes what is left. */
  destroy(): void {
    this.#stopTimer()
    for (const socket of this.#all.keys()) socket.destroy()
  }

  /** A frame is only ever written from a timer: the writes of one frame by the application are behind it by then, or not begun. */
  #tellWhoIsDue(): void {
    const now = performance.now()
    // Each is looked at once. One that cannot be told yet goes to the end, and gives its turn to the next.
    let left = this.#waiting.size
    for (const upgraded of this.#waiting) {
      if (left-- === 0 || this.#nextAt > now) break
      this.#waiting.delete(upgraded)
      if (tell(upgraded)) this.#nextAt += this.#gapMs
      else this.#waiting.add(upgraded)
    }
    if (this.#nextAt <= now) this.#nextAt = now + RETRY_MS
    this.#schedule()
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return
    const waitMs = Math.max(1, this.#nextAt - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#tellWhoIsDue()
    }, waitMs)
  }

  #forget(upgraded: Upgraded): void {
    this.#waiting.delete(upgraded)
    this.#all.delete(upgraded.socket)
    if (this.#waiting.size === 0) this.#stopTimer()
    if (this.#all.size === 0) this.#onEmpty()
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** False: not yet. The application has not answered the upgrade, or holds back part of a frame. */
function tell(upgraded: Upgraded): boolean {
  const { socket } = upgraded
  // It is on its way out already.
  if (!socket.writable) return true
  if (socket.bytesWritten === upgraded.writtenBefore || socket.writableCorked > 0) return false
  socket.write(GOING_AWAY, () => {
    upgraded.toldAt = performance.now()
  })
  return true
}

/** 'close' follows. */
function ignore(): void {}
