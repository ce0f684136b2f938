import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'

import { CAUSES } from '../../src/launcher/why/causes.ts'
import type { FailedRequest } from '../../src/launcher/why/failed-request.ts'
import { WhyFailed } from '../../src/launcher/why/why-failed.ts'
import { ERROR_CODES } from '../../src/interface/errors.ts'
import type { ErrorCode } from '../../src/interface/errors.ts'
import { Obituary } from '../../src/process/ended-worker.ts'
import { createLogger } from '../../src/process/log.ts'
import { MemoryKills } from '../../src/process/memory-kills.ts'
import { temporaryDirectory } from '../launcher/temporary.ts'

const SOCKET = '/run/app/tsgi.sock'

function explainer() {
  const lines: string[] = []
  const counted: ErrorCode[] = []
  const why = new WhyFailed({
    log: createLogger({ level: 'error', write: (line) => lines.push(line) }),
    applications: [
      { socketPath: SOCKET, mountPoint: '', failed: ({ code }) => counted.push(code) },
      { socketPath: '/run/app/mount-1.sock', mountPoint: '/api', failed: ({ code }) => counted.push(code) },
    ],
  })
  return { why, lines, counted }
}

function failed(changes: Partial<FailedRequest> = {}): FailedRequest {
  return {
    at: Date.now(),
    id: 'abc',
    request: 'GET /x HTTP/1.1',
    status: 502,
    begun: false,
    seconds: 0.1,
    words: 'upstream prematurely closed connection while reading response header from upstream',
    socketPath: SOCKET,
    ...changes,
  }
}

/** The files that Linux counts its kills in, by their contents. */
function counters(text: string): { file: string; kills: MemoryKills; set: (count: number) => void } {
  const file = join(temporaryDirectory(), 'memory.events')
  writeFileSync(file, text.replace('N', '4'))
  return {
    file,
    kills: new MemoryKills([`${file}.missing`, file]),
    set: (count) => writeFileSync(file, text.replace('N', String(count))),
  }
}

const KILLED = { code: null, signal: 'SIGKILL' } as const
const WORKER = { pid: 7, endCause: undefined, stats: { requests: 1, inFlight: 1, rssBytes: 512 * 1048576, loopUtilization: 0 } }

it.each([
  'low 0\nhigh 0\nmax 12\noom 3\noom_kill N\n',
  'oom_kill_disable 0\nunder_oom 0\noom_kill N\n',
  'nr_free 3\noom_kill N\n',
])('takes a kill for want of memory for what it is where the system has counted it (%j)', (text) => {
  const { kills, set } = counters(text)
  const obituary = new Obituary(kills)
  expect(obituary.of(WORKER, KILLED)).toMatchObject({ oom: false, cause: 'signal' })
  set(5)
  expect(obituary.of({ ...WORKER, endCause: 'stop' }, KILLED)).toMatchObject({ oom: false })
  expect(obituary.of(WORKER, { code: 3, signal: null })).toMatchObject({ oom: false, cause: 'exit' })
  expect(obituary.of(WORKER, KILLED)).toMatchObject({ oom: true, pid: 7 })
  // Each is one worker's.
  expect(obituary.of(WORKER, KILLED)).toMatchObject({ oom: false })
})

it('takes no old kill of something else for that of a worker', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { kills, set } = counters('oom_kill N\n')
  set(5)
  kills.look()
  vi.advanceTimersByTime(60_000)
  expect(kills.take()).toBe(false)
})

it('explains a worker that was killed for want of memory, with the memory that it had', () => {
  const { why, lines, counted } = explainer()
  const { kills, set } = counters('oom_kill N\n')
  set(5)
  why.ended(SOCKET, new Obituary(kills).of(WORKER, KILLED))
  why.failed(failed())
  why.look(true)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(
    /TSGI_ERR_REQUEST_OOM GET \/x \[abc\] got 502: .*the system killed worker 7 for lack of memory; it had 512 MB/,
  )
  expect(counted).toEqual(['TSGI_ERR_REQUEST_OOM'])
})

it('names the worker of the same application that ended nearest to it, and none that ended at another time', () => {
  const { why, lines } = explainer()
  const kills = new MemoryKills([])
  const end = (pid: number, code: number, at: number) => ({
    ...new Obituary(kills).of({ ...WORKER, pid }, { code, signal: null }),
    at,
  })
  const now = Date.now()
  why.ended(SOCKET, end(1, 11, now - 1000))
  why.ended(SOCKET, end(2, 12, now - 20))
  why.ended('/run/app/mount-1.sock', end(3, 13, now))
  why.failed(failed({ at: now }))
  why.failed(failed({ at: now - 60_000, id: 'old' }))
  why.look(true)
  expect(lines[0]).toMatch(/worker 2 ended with exit code 12/)
  expect(lines[1]).toMatch(/TSGI_ERR_RESPONSE_CUT GET \/x \[old\] got 502: .*though no worker ended/)
})

it('leaves alone what is another server’s, and what may be the application’s own', () => {
  const { why, lines, counted } = explainer()
  why.failed(failed({ socketPath: '/run/other.sock' }))
  why.failed(failed({ words: undefined, doubtful: true }))
  why.look(true)
  expect([...lines, ...counted]).toEqual([])
})

it('writes ten lines of a kind, counts the others, and counts all of them', () => {
  const { why, lines, counted } = explainer()
  for (let index = 0; index < 5000; index += 1)
    why.failed(
      failed({ id: String(index), words: 'connect() to unix:/x failed (111: Connection refused) while connecting to upstream' }),
    )
  why.failed(failed({ id: 'other' }))
  why.look(true)
  expect(counted).toHaveLength(5001)
  expect(lines.filter((line) => line.includes('SOCKET_REFUSED GET'))).toHaveLength(10)
  expect(lines.filter((line) => line.includes('[other]'))).toHaveLength(1)
  expect(lines.at(-1)).toMatch(/TSGI_ERR_SOCKET_REFUSED and 4990 more requests/)
})

it('cannot be made to write another line by what a client asks for', () => {
  const { why, lines } = explainer()
  why.failed(failed({ request: 'GET /\n2026-11-23T09:00:00.000Z error [1] TSGI_ERR_REQUEST_OOM \u001b[2J\u2028 HTTP/1.1' }))
  why.look(true)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^\S+ error \[\d+\] TSGI_ERR_RESPONSE_CUT GET \/\\n2026/)
  expect(lines[0]).not.toMatch(/[\0-\x1f\u2028]/)
})

it('has a documented code for every cause, and one cause for everything else', () => {
  for (const { code } of CAUSES) expect(ERROR_CODES).toHaveProperty(code)
  expect(CAUSES.at(-1)?.code).toBe('TSGI_ERR_REQUEST_LOST')
  const codes = CAUSES.map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
})

/** nginx's words, as its sources have them, and what they mean where no worker has ended. */
it.each([
  ['upstream timed out (110: Connection timed out) while reading response header from upstream', 'TSGI_ERR_PROXY_TIMEOUT'],
  ['upstream timed out (110: Connection timed out) while connecting to upstream', 'TSGI_ERR_PROXY_TIMEOUT'],
  ['upstream sent too big header while reading response header from upstream', 'TSGI_ERR_RESPONSE_HEAD_TOO_LARGE'],
  [
    'connect() to unix:/a b/tsgi.sock failed (2: No such file or directory) while connecting to upstream',
    'TSGI_ERR_SOCKET_MISSING',
  ],
  ['connect() to unix:/x failed (13: Permission denied) while connecting to upstream', 'TSGI_ERR_SOCKET_FORBIDDEN'],
  ['connect() failed (111: Connection refused) while connecting to upstream', 'TSGI_ERR_SOCKET_REFUSED'],
  ['connect() to unix:/x failed (11: Resource temporarily unavailable) while connecting to upstream', 'TSGI_ERR_BACKLOG_FULL'],
  ['1024 worker_connections are not enough while connecting to upstream', 'TSGI_ERR_PROXY_LIMIT'],
  ['socket() failed (24: Too many open files) while connecting to upstream', 'TSGI_ERR_PROXY_LIMIT'],
  [
    'upstream sent unsupported FastCGI protocol version: 114 while reading response header from upstream',
    'TSGI_ERR_RESPONSE_MALFORMED',
  ],
  ['upstream sent invalid chunked response while reading upstream', 'TSGI_ERR_RESPONSE_MALFORMED'],
  ['recv() failed (104: Connection reset by peer) while reading response header from upstream', 'TSGI_ERR_RESPONSE_CUT'],
  ['writev() failed (32: Broken pipe) while sending request to upstream', 'TSGI_ERR_RESPONSE_CUT'],
  ['upstream prematurely closed FastCGI stdout while reading response header from upstream', 'TSGI_ERR_RESPONSE_CUT'],
  ['no live upstreams while connecting to upstream', 'TSGI_ERR_REQUEST_LOST'],
  [
    '(13)Permission denied: AH02454: uwsgi: attempt to connect to Unix domain socket /x (tsgi-workers-1:0) failed',
    'TSGI_ERR_SOCKET_FORBIDDEN',
  ],
  [
    '(11)Resource temporarily unavailable: AH02454: FCGI: attempt to connect to Unix domain socket /x (tsgi-workers-1:0) failed',
    'TSGI_ERR_BACKLOG_FULL',
  ],
  ['(70007)The timeout specified has expired: AH01075: Error dispatching request to :1: (polling)', 'TSGI_ERR_PROXY_TIMEOUT'],
  [
    '(70007)The timeout specified has expired: AH01102: error reading status line from remote server x:80',
    'TSGI_ERR_PROXY_TIMEOUT',
  ],
  ['Premature end of script headers: x', 'TSGI_ERR_RESPONSE_HEAD_TOO_LARGE'],
])('knows %j', (words, code) => {
  const { why, counted } = explainer()
  why.failed(failed({ words }))
  why.look(true)
  expect(counted).toEqual([code])
})
