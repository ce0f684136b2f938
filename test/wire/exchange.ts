import { latin1 } from './bytes.ts'
import { WireConnection, type Ending, type WireAddress } from './connection.ts'
import * as fastcgi from './fastcgi.ts'
import { ResponseReader, type Head, type ResponseState } from './http-response.ts'
import { gatewayParams, httpRequestHead, type WireRequest } from './request.ts'
import { scgiHead } from './scgi.ts'
import { uwsgiPacket, uwsgiVars } from './uwsgi.ts'

export type Wire = 'uwsgi' | 'fastcgi' | 'scgi' | 'http'

/** A response as a client is left with it. */
export interface Answer {
  status: number
  reason: string
  headers: [name: string, value: string][]
  /** The values of a header, in their order; the name in lower case. */
  all(name: string): string[]
  body: Buffer
  text: string
  /** `broken`: a client notices that this is not the whole response. Never `open`. */
  state: ResponseState
  problem: string | undefined
  /** FastCGI: appStatus of END_REQUEST; undefined when there was none. */
  appStatus: number | undefined
  /** FastCGI: protocolStatus of END_REQUEST. */
  protocolStatus: number | undefined
  /** FastCGI: what came on STDERR. */
  stderr: string
}

/** How an exchange differs from a plain one. */
export interface ExchangeOptions {
  /** FastCGI: the KEEP_CONN flag. Default false. */
  keep?: boolean
  role?: number
  requestId?: number
  /** False: the body is counted and given to `onBody`, not kept. */
  keepBody?: boolean
  onBody?: (bytes: Uint8Array) => void
  /** Go on with this connection, whose last exchange is done, in place of a new one. */
  connection?: WireConnection
}

/** One request and its response over one protocol. The caller sends the body and reads as much as the test needs. */
export class Exchange {
  readonly connection: WireConnection
  readonly #wire: Wire
  readonly #request: WireRequest
  readonly #requestId: number
  readonly #reader: ResponseReader
  readonly #records = new fastcgi.RecordReader()
  readonly records: fastcgi.FastcgiRecord[] = []
  #stdoutClosed = false
  #appStatus: number | undefined
  #protocolStatus: number | undefined
  #stderr = ''

  private constructor(connection: WireConnection, wire: Wire, request: WireRequest, options: ExchangeOptions) {
    this.connection = connection
    this.#wire = wire
    this.#request = request
    this.#requestId = options.requestId ?? 1
    const flavour = wire === 'fastcgi' || wire === 'scgi' ? 'cgi' : wire
    this.#reader = new ResponseReader(flavour, request.method ?? 'GET', options.keepBody)
    this.#reader.onBody = options.onBody
    connection.keep = options.keepBody ?? true
    connection.onData = (bytes) => this.#receive(bytes)
    connection.onEnding = (ending) => this.#ended(ending)
  }

  /** Opens the connection and sends the head; the body is the caller's to send. */
  static async begin(address: WireAddress, wire: Wire, request: WireRequest, options: ExchangeOptions = {}): Promise<Exchange> {
    const connection = options.connection ?? (await WireConnection.open(address))
    const exchange = new Exchange(connection, wire, request, options)
    await connection.write(headBytes(wire, request, options))
    return exchange
  }

  /** Sends a piece of the body, framed as the protocol wants. Resolves when the kernel has taken it. */
  async sendBody(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    if (this.#wire === 'fastcgi') {
      await this.connection.write(fastcgi.stream(fastcgi.STDIN, this.#requestId, bytes, { close: false, recordSize: 32_768 }))
    } else if (this.#wire === 'http' && this.#request.length === 'chunked') {
      await this.connection.write(latin1(`${bytes.length.toString(16)}\r\n`))
      await this.connection.write(bytes)
      await this.connection.write(latin1('\r\n'))
    } else await this.connection.write(bytes)
  }

  async endBody(): Promise<void> {
    if (this.#wire === 'fastcgi') await this.connection.write(fastcgi.record(fastcgi.STDIN, this.#requestId))
    else if (this.#wire === 'http' && this.#request.length === 'chunked') await this.connection.write(latin1('0\r\n\r\n'))
  }

  /** The head, as soon as it is there. */
  async head(): Promise<Head> {
    await this.connection.when(() => this.#reader.head !== undefined || this.#reader.state !== 'open', 'a response head')
    if (this.#reader.head === undefined) throw new Error(`no response head: ${this.#reader.problem}`)
    return this.#reader.head
  }

  /** Body bytes so far, at least `count` of them. */
  async bodyOf(count: number): Promise<Buffer> {
    await this.connection.when(
      () => this.#reader.bodyBytes >= count || this.#reader.state !== 'open',
      `${count} bytes of a response body`,
    )
    return this.#reader.body()
  }

  get bodyBytes(): number {
    return this.#reader.bodyBytes
  }

  get state(): ResponseState {
    return this.#reader.state
  }

  /** The response when it is complete or broken. `head` stands in for none: status 0. */
  async answer(patienceMs?: number): Promise<Answer> {
    await this.connection.when(() => this.#reader.state !== 'open', 'the end of the response', patienceMs)
    const body = this.#reader.body()
    const headers = this.#reader.head?.headers ?? []
    return {
      status: this.#reader.head?.status ?? 0,
      reason: this.#reader.head?.reason ?? '',
      headers,
      all: (name) => headers.filter(([present]) => present.toLowerCase() === name).map(([, value]) => value),
      body,
      text: body.toString('utf8'),
      state: this.#reader.state,
      problem: this.#reader.problem,
      appStatus: this.#appStatus,
      protocolStatus: this.#protocolStatus,
      stderr: this.#stderr,
    }
  }

  /** Leaves without waiting, as a client that is killed. */
  leave(): void {
    this.connection.destroy()
  }

  #receive(bytes: Uint8Array): void {
    if (this.#wire !== 'fastcgi') return this.#reader.push(bytes)
    for (const record of this.#records.push(bytes)) this.#receiveRecord(record)
  }

  #receiveRecord(record: fastcgi.FastcgiRecord): void {
    this.records.push(record)
    // Anything a proxy would refuse ends the response: a bad version is how a server says "aborted" after the headers.
    if (record.version !== 1 || record.requestId !== this.#requestId) return this.#reader.end(false)
    if (record.type === fastcgi.STDOUT) {
      if (record.content.length > 0) this.#reader.push(record.content)
      else this.#stdoutClosed = true
    } else if (record.type === fastcgi.STDERR) this.#stderr += Buffer.from(record.content).toString('utf8')
    else if (record.type === fastcgi.END_REQUEST) {
      const content = Buffer.from(record.content)
      this.#appStatus = content.readUInt32BE(0)
      this.#protocolStatus = content.readUInt8(4)
      this.#reader.end(this.#stdoutClosed && this.#records.pendingBytes === 0)
    } else this.#reader.end(false)
  }

  #ended(ending: Ending): void {
    // Over FastCGI only END_REQUEST ends a response in order.
    this.#reader.end(ending === 'end' && this.#wire !== 'fastcgi')
  }
}

/** Sends a whole request and waits for the whole response. The connection is closed unless it was given. */
export async function exchange(
  address: WireAddress,
  wire: Wire,
  request: WireRequest,
  options: ExchangeOptions = {},
): Promise<Answer> {
  const running = await Exchange.begin(address, wire, request, options)
  try {
    await running.sendBody(request.body ?? new Uint8Array(0))
    await running.endBody()
    return await running.answer()
  } finally {
    if (options.connection === undefined) running.leave()
  }
}

function headBytes(wire: Wire, request: WireRequest, options: ExchangeOptions): Uint8Array {
  switch (wire) {
    case 'uwsgi':
      return uwsgiPacket(uwsgiVars(gatewayParams(request)))
    case 'scgi':
      return scgiHead(gatewayParams(request))
    case 'fastcgi': {
      const { requestId = 1, keep = false, role = fastcgi.RESPONDER } = options
      return fastcgi.requestHead(requestId, gatewayParams(request), { keep, role })
    }
    case 'http':
      return latin1(httpRequestHead(request))
  }
}
