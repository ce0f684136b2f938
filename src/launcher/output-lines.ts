import { StringDecoder } from 'node:string_decoder'

/** A longer line goes on in the next one, characters: a log must not grow a buffer without end. */
const MAX_LINE = 8192

/** Takes what a process writes apart into lines. */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8')
  readonly #take: (line: string) => void
  #rest = ''

  constructor(take: (line: string) => void) {
    this.#take = take
  }

  push(chunk: Buffer): void {
    const [...lines] = (this.#rest + this.#decoder.write(chunk)).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#take(line)
    while (this.#rest.length > MAX_LINE) {
      this.#take(this.#rest.slice(0, MAX_LINE))
      this.#rest = this.#rest.slice(MAX_LINE)
    }
  }

  /** Nothing more will come. */
  end(): void {
    const rest = this.#rest + this.#decoder.end()
    this.#rest = ''
    if (rest !== '') this.#take(rest)
  }
}
