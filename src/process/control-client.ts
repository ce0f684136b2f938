import { connect } from 'node:net'

import { quote, TsgiError } from '../interface/errors.ts'
import { controlPipes, isPipe } from './control-pipe.ts'
import { CONTROL_VERSION, parseReply } from './control-protocol.ts'
import type { Command, Reply, Result } from './control-protocol.ts'
import { isDirectory, ownerOfProcess, runtimeDirectories, socketsIn, userId } from './runtime-directory.ts'
import type { FoundSocket } from './runtime-directory.ts'

/** How long a master may take for what it only has to look up, milliseconds: it decides, and never computes. */
const ANSWER_MS = 5000

/** Reloads, stops and upgrades take as long as the server's own limits for them, which this only must not undercut. */
const WORK_MS = 24 * 3_600_000

/** More than a status and a thousand workers, bytes. */
const MAX_REPLY_BYTES = 1024 * 1024

const SLOW: ReadonlySet<Command['command']> = new Set(['reload', 'upgrade', 'stop'])

/** How a server is chosen. Without either it is the only one of this user. */
export interface Choice {
  /** A socket, or a directory of them. */
  readonly socket?: string
  readonly pid?: number
}

interface Candidate extends FoundSocket {
  /** undefined: it did not answer. */
  readonly status: Result | undefined
}

/** Sends one command and gives the reply. Rejects with `TSGI_ERR_CONTROL_UNREACHABLE`. */
export async function ask(path: string, command: Command): Promise<Reply> {
  const timeoutMs = SLOW.has(command.command) ? WORK_MS : ANSWER_MS
  try {
    return await exchange(path, JSON.stringify({ tsgi: CONTROL_VERSION, ...command }), timeoutMs)
  } catch (error) {
    if (error instanceof TsgiError) throw error
    throw unreachable(`${quote(path)}: ${explain(error)}`, error)
  }
}

/** The socket of the one server that is meant. Rejects with `TSGI_ERR_CONTROL_UNREACHABLE`, which lists those to choose from. */
export async function findServer({ socket, pid }: Choice): Promise<string> {
  // To look at a pipe is to connect to it.
  if (socket !== undefined && (isPipe(socket) || !isDirectory(socket))) return socket
  const pipes = socket === undefined ? controlPipes(pid) : undefined
  const directories = socket !== undefined ? [socket] : pipes === undefined ? directoriesOf(pid) : []
  const sockets = pipes ?? directories.flatMap(socketsIn).filter((each) => pid === undefined || each.pid === pid)
  const candidates = (await Promise.all(sockets.map(look))).filter((each) => each !== undefined)
  const [first, ...others] = candidates
  if (first === undefined) throw none(pid, directories)
  if (others.length === 0) return first.path
  // After an upgrade the old master finishes its requests beside the new one.
  const running = candidates.filter(({ status }) => status?.['state'] === 'running')
  const [only, ...more] = running
  if (only !== undefined && more.length === 0 && candidates.every(({ status }) => status !== undefined)) return only.path
  throw several(candidates)
}

function directoriesOf(pid: number | undefined): string[] {
  return runtimeDirectories(pid === undefined ? userId() : ownerToLookFor(pid))
}

/** Another user's servers are in that user's directory, which root may look into. */
function ownerToLookFor(pid: number): number {
  const own = userId()
  return own === 0 ? (ownerOfProcess(pid) ?? own) : own
}

/** undefined where nobody listens any more. */
async function look(socket: FoundSocket): Promise<Candidate | undefined> {
  try {
    const reply = await exchange(socket.path, JSON.stringify({ tsgi: CONTROL_VERSION, command: 'status' }), ANSWER_MS)
    return { ...socket, status: reply.ok ? reply.result : undefined }
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    return code === 'ECONNREFUSED' || code === 'ENOENT' ? undefined : { ...socket, status: undefined }
  }
}

function none(pid: number | undefined, directories: readonly string[]): TsgiError {
  const what = pid === undefined ? 'no server of this user was found' : `no server with pid ${pid} was found`
  const where = directories.length === 0 ? '' : ` in ${directories.join(', ')}`
  return unreachable(
    `${what}${where}. One that another user runs, or that was started with another temporary directory or in a container, is reached by its socket: --socket PATH, which its status and --control-socket name`,
  )
}

function several(candidates: readonly Candidate[]): TsgiError {
  const lines = candidates.map(({ pid, status }) => {
    const addresses: unknown = status?.['url'] ?? status?.['addresses']
    const about =
      status === undefined ? 'does not answer' : `${String(status['state'])}, ${String(status['app'])} on ${String(addresses)}`
    return `--pid ${pid}  ${about}`
  })
  return unreachable(['more than one server runs; say which by one of', ...lines].join('\n'))
}

function exchange(path: string, request: string, timeoutMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ''
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(() => fail(unreachable(`${quote(path)} gave no answer within ${timeoutMs} ms`)), timeoutMs)
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`${request}\n`))
    socket.on('error', fail)
    socket.on('close', () => fail(unreachable(`${quote(path)} closed the connection without an answer`)))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > MAX_REPLY_BYTES) fail(unreachable(`${quote(path)} answers with more than ${MAX_REPLY_BYTES} bytes`))
      const end = text.indexOf('\n')
      if (end < 0) return
      const reply = parseReply(text.slice(0, end))
      if (reply === undefined) {
        fail(unreachable(`${quote(path)} does not answer as the control socket of tsgi does: ${quote(text)}`))
        return
      }
      clearTimeout(timer)
      socket.destroy()
      resolve(reply)
    })
  })
}

function explain(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (code === 'ENOENT') return 'there is no such socket; is the server running?'
  if (code === 'ECONNREFUSED') return 'nobody listens on it any more: the server has ended'
  if (code === 'EACCES') return 'it belongs to another user; become that user, or root'
  return error instanceof Error ? error.message : String(error)
}

function unreachable(detail: string, cause?: unknown): TsgiError {
  return new TsgiError('TSGI_ERR_CONTROL_UNREACHABLE', detail, cause === undefined ? {} : { cause })
}
