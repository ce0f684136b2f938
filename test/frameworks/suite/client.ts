import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { AnswerReader, valueOf } from './answer.ts'
import type { Answer } from './answer.ts'
import { get } from './case.ts'
import type { Case, Moment } from './case.ts'

/** What a client saw of one case. */
export interface Conversation {
  answers: Answer[]
  /** `reused`: another request on the connection was answered. `closed`: the peer closed it. `left`: the client did. `silent`: no answer came. */
  connection: 'reused' | 'closed' | 'left' | 'silent'
  /** Bytes behind the last response that belong to none. */
  stray: string
  /** The log of the watched request. */
  log: string[]
}

export interface Target {
  readonly host: string
  readonly port: number
  /** One digit, which no other target has: see `Case.log`. */
  readonly digit: number
}

/** Longest wait for anything. `node:http` closes an idle connection after 5 s, which some cases have to wait for. */
const PATIENCE_MS = 8000

/** What had to come has not. */
class Silence extends Error {}

/** One connection: bytes out, answers in. */
class Line {
  readonly socket: Socket
  readonly reader = new AnswerReader()
  ended = false
  #look: (() => void) | undefined

  constructor(target: Target) {
    this.socket = connect({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true })
    this.socket.on('data', (bytes: Buffer) => {
      this.reader.push(bytes)
      this.#look?.()
    })
    const end = (): void => {
      if (this.ended) return
      this.ended = true
      this.reader.end()
      this.#look?.()
    }
    this.socket.on('end', end)
    this.socket.on('close', end)
    this.socket.on('error', end)
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Resolves when `condition` holds or the peer has ended. */
  when(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#look = undefined
        this.socket.destroy()
        reject(new Silence(`waited ${PATIENCE_MS} ms for ${what}; so far: ${JSON.stringify(this.reader.answers).slice(0, 500)}`))
      }, PATIENCE_MS)
      const look = (): void => {
        if (!condition() && !this.ended) return
        clearTimeout(timer)
        this.#look = undefined
        resolve()
      }
      this.#look = look
      look()
    })
  }
}

/** Plays one case to one way, and says what came of it. */
export async function converse(one: Case, target: Target): Promise<Conversation> {
  const line = new Line(target)
  try {
    if (one.leaves !== undefined) return await leave(one, one.leaves, line, target)
    if (one.pipelined === true) {
      const texts = one.messages.map((message) => textOf(message, [], target))
      for (const text of texts) line.reader.expect(methodOf(text))
      line.send(texts.join(''))
      await line.when(() => line.reader.answers.length === texts.length, 'the answers')
    } else {
      for (const [index, message] of one.messages.entries()) {
        await sendOne(one, textOf(message, line.reader.answers, target), line)
        await line.when(() => line.reader.answers.length > index, `answer ${index + 1}`)
        if (line.ended) break
      }
    }
    if (one.halfCloses === true) line.socket.end()
    const connection = await reuse(line, one)
    return { answers: line.reader.answers, connection, stray: line.reader.stray, log: await readLog(one, target) }
  } catch (error) {
    // An application may fail so that it never answers, and does so on every server; or what the client waits for does not come.
    if (!(error instanceof Silence)) throw error
    return { answers: line.reader.answers, connection: 'silent', stray: '', log: [] }
  } finally {
    line.socket.destroy()
  }
}

async function sendOne(one: Case, text: string, line: Line): Promise<void> {
  line.reader.expect(methodOf(text))
  if (one.expectContinue !== true) {
    line.send(text)
    return
  }
  const headEnd = text.indexOf('\r\n\r\n') + 4
  line.send(text.slice(0, headEnd))
  await line.when(() => line.reader.interimSeen || line.reader.answers.length > 0, '100 Continue')
  line.send(text.slice(headEnd))
}

/** Whether the connection can be used again where nothing said that it cannot: by using it. */
async function reuse(line: Line, one: Case): Promise<Conversation['connection']> {
  if (line.ended) return 'closed'
  const last = line.reader.answers.at(-1)
  if (one.halfCloses === true || /close/i.test(valueOf(last?.fields ?? [], 'connection') ?? '')) {
    await line.when(() => line.ended, 'the end of the connection')
    return 'closed'
  }
  const count = line.reader.answers.length
  line.reader.expect('GET')
  line.send(get('/hello'))
  await line.when(() => line.reader.answers.length > count, 'another answer on the connection')
  return line.reader.answers.splice(count).length > 0 && !line.ended ? 'reused' : 'closed'
}

async function leave(one: Case, leaves: NonNullable<Case['leaves']>, line: Line, target: Target): Promise<Conversation> {
  const text = textOf(one.messages[0] ?? '', [], target)
  line.reader.expect(methodOf(text))
  line.send(text)
  await moment(leaves.when, one, line, target)
  // What of the response has come by now depends on the time.
  if (leaves.how === 'reset') line.socket.resetAndDestroy()
  else line.socket.end(() => line.socket.destroy())
  const log = await readLog(one, target)
  // The server is still there.
  const after = await converse({ theme: one.theme, name: 'after', messages: [get('/hello')] }, target)
  return { answers: after.answers, connection: 'left', stray: '', log }
}

async function moment(when: Moment, one: Case, line: Line, target: Target): Promise<void> {
  if (when === 'sent') {
    await new Promise<void>((resolve) => line.socket.write('', () => resolve()))
  } else if (when === 'waiting') {
    await readLog({ ...one, log: { id: one.log?.id ?? '', until: ['waiting'] } }, target)
  } else {
    const { bodyBytes } = when
    await line.when(
      () => line.reader.answers.length > 0 || (line.reader.open && line.reader.currentBytes >= bodyBytes),
      `${bodyBytes} bytes of the body`,
    )
  }
}

/** The log of a watched request, which the application answers with when the entries that are waited for are in it. */
async function readLog(one: Case, target: Target): Promise<string[]> {
  if (one.log === undefined) return []
  const { id, until } = one.log
  const query = new URLSearchParams([
    ['id', id.replace('@', String(target.digit))],
    ...until.map((entry): [string, string] => ['until', entry]),
  ])
  const line = new Line(target)
  try {
    line.reader.expect('GET')
    line.send(get(`/events?${query.toString()}`, 'Connection: close'))
    await line.when(() => line.reader.answers.length > 0, 'the log')
    return JSON.parse(line.reader.answers[0]?.body ?? '[]') as string[] // the application's own JSON
  } finally {
    line.socket.destroy()
  }
}

function textOf(message: Case['messages'][number], answers: readonly Answer[], target: Target): string {
  const text = typeof message === 'string' ? message : message(answers)
  return text.replace(/\?id=(\d+)@/, `?id=$1${target.digit}`)
}

function methodOf(text: string): string {
  return text.slice(0, text.indexOf(' '))
}
