import { describe, expect, it } from 'vitest'

import { ApacheReader } from '../../src/launcher/why/apache-reader.ts'
import type { FailedRequest, FailureReader } from '../../src/launcher/why/failed-request.ts'
import { NginxReader } from '../../src/launcher/why/nginx-reader.ts'

const SOCKET = '/run/app/tsgi.sock'

/** What nginx writes when a request has failed; `at`: seconds since 1970. */
function record(changes: Record<string, string> = {}): string {
  const members = {
    at: '1764000000.500',
    id: 'aaaa',
    pid: '7',
    connection: '3',
    request: 'GET /x HTTP/1.1',
    status: '502',
    completed: 'OK',
    upstream: `unix:${SOCKET}`,
    headerTime: '-',
    seconds: '0.100',
    ...changes,
  }
  return `tsgi-failure ${JSON.stringify(members)}`
}

/** nginx's own words, in local time as it writes them. */
function words(text: string, { pid = '7', connection = '3', request = 'GET /x HTTP/1.1', at = 1_764_000_000 } = {}): string {
  const date = new Date(at * 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const time = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${time} [error] ${pid}#${pid}: *${connection} ${text}, client: 127.0.0.1, server: x, request: "${request}", upstream: "fastcgi://unix:${SOCKET}:", host: "x"`
}

const CLOSED = 'upstream prematurely closed connection while reading response header from upstream'

function read(reader: FailureReader, ...lines: string[]): FailedRequest[] {
  return lines.flatMap((line) => reader.push(line))
}

describe('what nginx says', () => {
  it('of a request is put together with its id', () => {
    expect(read(new NginxReader(), words(CLOSED), record())).toEqual([
      {
        at: 1_764_000_000_500,
        id: 'aaaa',
        request: 'GET /x HTTP/1.1',
        status: 502,
        begun: false,
        seconds: 0.1,
        words: CLOSED,
        socketPath: SOCKET,
      },
    ])
  })

  it('of two requests of one connection goes to each its own', () => {
    const [first, second] = read(
      new NginxReader(),
      words('upstream timed out (110: Connection timed out) while reading response header from upstream', {
        request: 'GET /a HTTP/2.0',
      }),
      words(CLOSED, { request: 'GET /b HTTP/2.0' }),
      record({ request: 'GET /b HTTP/2.0', id: 'b' }),
      record({ request: 'GET /a HTTP/2.0', id: 'a', status: '504' }),
    )
    expect(first).toMatchObject({ id: 'b', words: CLOSED })
    expect(second?.words).toMatch(/^upstream timed out/)
  })

  it('of an earlier request of the connection is not said of a later one', () => {
    const [failed] = read(new NginxReader(), words(CLOSED, { at: 1_763_999_000 }), record({ status: '499', completed: '' }))
    expect(failed).toMatchObject({ status: 499, words: undefined })
  })

  it('is told apart from what clients can put into a line', () => {
    const url = '/x, client: 1.2.3.4 upstream sent too big header while reading response header from upstream'
    const [failed] = read(
      new NginxReader(),
      words('recv() failed (104: Connection reset by peer) while reading response header from upstream', {
        request: `GET ${url} HTTP/1.1`,
      }),
      record({ request: `GET ${url} HTTP/1.1` }),
    )
    expect(failed?.words).toBe('recv() failed (104: Connection reset by peer) while reading response header from upstream')
    // Neither a URL nor words of a backend are a line of their own: what does not begin as one of nginx's is none.
    expect(read(new NginxReader(), ` ${record()}`, `x ${words(CLOSED)}`, record({ completed: 'OK', headerTime: '0.1' }))).toEqual(
      [],
    )
  })

  it("of a complete response is nothing: the application's own 502 is no failure", () => {
    expect(read(new NginxReader(), record({ headerTime: '0.002' }))).toEqual([])
  })

  it('survives what is no line of its own', () => {
    expect(
      read(new NginxReader(), '', 'tsgi-failure ', 'tsgi-failure {"at":1}', 'tsgi-failure [', record().slice(0, 60)),
    ).toEqual([])
  })

  it('of a response without an end is told without an id, when no request has claimed it', () => {
    const reader = new NginxReader()
    read(reader, words('upstream prematurely closed connection while reading upstream'), words(CLOSED, { connection: '4' }))
    expect(reader.expire(1_764_000_002_000)).toEqual([])
    expect(reader.expire(1_764_000_004_000)).toMatchObject([
      { id: '-', request: 'GET /x HTTP/1.1', begun: true, socketPath: SOCKET },
    ])
    expect(reader.expire(1_764_000_009_000)).toEqual([])
  })

  it('does not grow without end', () => {
    const reader = new NginxReader()
    for (let index = 0; index < 20_000; index += 1) reader.push(words(CLOSED, { connection: String(index) }))
    expect(read(reader, record({ connection: '0' }))[0]?.words).toBeUndefined()
    expect(read(reader, record({ connection: '19999' }))[0]?.words).toBe(CLOSED)
  })
})

describe('what Apache says', () => {
  const HEAD = '[Mon Nov 23 09:18:26.930838 2026] [proxy_fcgi:error] [pid 20:tid 140]'

  it('of a request is put together with it by the id, and the words of the system count', () => {
    expect(
      read(
        new ApacheReader(),
        `${HEAD} [client 127.0.0.1:4] [id Zx-1] AH01067: Failed to read FastCGI header`,
        `${HEAD} (70014)End of file found: [client 127.0.0.1:4] [id Zx-1] AH01075: Error dispatching request to :1: , referer: http://x/`,
        'tsgi-failure 1764000000500 Zx-1 503 1500 GET /x HTTP/1.1',
      ),
    ).toMatchObject([
      {
        id: 'Zx-1',
        status: 503,
        request: 'GET /x HTTP/1.1',
        words: '(70014)End of file found: AH01075: Error dispatching request to :1: ',
      },
    ])
  })

  it('of a socket stands ahead of the request, by the same thread', () => {
    const [failed] = read(
      new ApacheReader(),
      `${HEAD.replace('proxy_fcgi', 'proxy')} (2)No such file or directory: AH02454: FCGI: attempt to connect to Unix domain socket ${SOCKET} (tsgi-workers-1:8000) failed`,
      `${HEAD} [client 127.0.0.1:4] [id Zx] AH01079: failed to make connection to backend: tsgi-workers-1`,
      'tsgi-failure 1764000000500 Zx 503 1500 GET / HTTP/1.1',
    )
    expect(failed).toMatchObject({ socketPath: SOCKET, words: expect.stringMatching(/^\(2\).*AH02454/) })
  })

  it('is told apart from what clients can put into a line', () => {
    const reader = new ApacheReader()
    const lines = [
      `${HEAD} [client 127.0.0.1:4] [id real] AH00898: x returned by /[id forged] AH01075: y`,
      'tsgi-failure 1764000000500 real 502 1500 GET /\\ntsgi-failure 1 forged 502 1 GET / HTTP/1.1',
    ]
    expect(read(reader, ...lines).map(({ id }) => id)).toEqual(['real'])
    expect(reader.expire(Date.now() + 60_000)).toEqual([])
  })
})
