import { concat, latin1Text } from './bytes.ts'
import { WireConnection, type WireAddress } from './connection.ts'
import { END_REQUEST, RecordReader, STDOUT, type FastcgiRecord } from './fastcgi.ts'

/** What the server said about one request. */
export interface FastcgiReply {
  /** All of STDOUT, latin-1. */
  stdout: string
  /** Whether the empty STDOUT came. */
  stdoutClosed: boolean
  appStatus: number
  protocolStatus: number
}

/** A FastCGI client that says what a test wants and keeps each record that comes back. */
export class FastcgiPeer {
  readonly connection: WireConnection
  readonly records: FastcgiRecord[] = []
  readonly #reader = new RecordReader()
  /** How many records were looked at by `reply`, for each id. */
  readonly #answered = new Map<number, number>()

  private constructor(connection: WireConnection) {
    this.connection = connection
    connection.onData = (bytes) => this.records.push(...this.#reader.push(bytes))
  }

  static async open(address: WireAddress): Promise<FastcgiPeer> {
    return new FastcgiPeer(await WireConnection.open(address))
  }

  get pendingBytes(): number {
    return this.#reader.pendingBytes
  }

  send(bytes: Uint8Array): Promise<void> {
    return this.connection.write(bytes)
  }

  /** The next record of a type and id. */
  async record(type: number, requestId: number): Promise<FastcgiRecord> {
    const find = (): FastcgiRecord | undefined =>
      this.records.find((record) => record.type === type && record.requestId === requestId)
    await this.connection.when(() => find() !== undefined || this.connection.ending !== undefined, `a record of type ${type}`)
    const found = find()
    if (found === undefined) throw new Error(`the connection ended without a record of type ${type}`)
    return found
  }

  /** All up to END_REQUEST of the next request with this id. */
  async reply(requestId: number): Promise<FastcgiReply> {
    const from = this.#answered.get(requestId) ?? 0
    const find = (): number =>
      this.records.findIndex((record, index) => index >= from && record.type === END_REQUEST && record.requestId === requestId)
    await this.connection.when(() => find() >= 0 || this.connection.ending !== undefined, `END_REQUEST of ${requestId}`)
    const end = find()
    if (end < 0) throw new Error(`the connection ended without END_REQUEST of ${requestId}`)
    this.#answered.set(requestId, end + 1)
    const records = this.records.slice(from, end + 1).filter((record) => record.requestId === requestId)
    const stdout = records.filter(({ type }) => type === STDOUT).map(({ content }) => content)
    const body = Buffer.from(records.at(-1)?.content ?? [])
    return {
      stdout: latin1Text(concat(stdout)),
      stdoutClosed: stdout.some(({ length }) => length === 0),
      appStatus: body.readUInt32BE(0),
      protocolStatus: body.readUInt8(4),
    }
  }

  /** Drops the records that were read: for a connection that a test uses a thousand times. */
  forget(): void {
    this.records.length = 0
    this.#answered.clear()
  }

  leave(): void {
    this.connection.destroy()
  }
}
