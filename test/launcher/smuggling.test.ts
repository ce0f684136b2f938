import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

/** What is hidden in the body, or behind it. */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\nX-Hidden: 1\r\n\r\n'
const HOST = 'Host: a\r\n'

/** Requests whose end may be found in two places. */
const DOUBTFUL: Readonly<Record<string, string>> = {
  'a length and chunks': `POST / HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'chunks and a short length': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'a disguised Transfer-Encoding': `POST / HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a Transfer-Encoding with a tab': `POST / HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a Transfer-Encoding with an underscore': `POST / HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length + 5}\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'an unknown Transfer-Encoding': `POST / HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'two lengths': `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a list of lengths': `POST / HTTP/1.1\r\n${HOST}Content-Length: 0, ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a length with an underscore': `POST / HTTP/1.1\r\n${HOST}Content_Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a length of GET': `GET / HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a field with a bare LF': `GET / HTTP/1.1\r\n${HOST}X-A: b\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a field with a bare CR': `GET / HTTP/1.1\r\n${HOST}X-A: b\rContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a folded length': `POST / HTTP/1.1\r\n${HOST}X-A: b\r\n Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a chunk extension': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${HIDDEN.length.toString(16)};a="\n0"\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'a trailer that is a head': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a body that nobody reads': `POST /unread HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'a line break in the target': `GET /a%0d%0aX-Hidden:%201%0d%0a HTTP/1.1\r\n${HOST}\r\n`,
  'an Expect and a body': `POST /unread HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  'an upgrade that is none': `GET /unread HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
}

/** Writes down every request that it gets, and says what it has got. */
const APPLICATION = `
  const seen = []
  export const application = async (environ, startResponse) => {
    if (environ.PATH_INFO === '/seen') {
      startResponse('200 OK', [['Content-Type', 'application/json']])
      return JSON.stringify(seen)
    }
    seen.push({ target: environ.REQUEST_URI, hidden: environ.HTTP_X_HIDDEN ?? null, method: environ.REQUEST_METHOD })
    if (environ.PATH_INFO !== '/unread') await environ['tsgi.input'].read().catch(() => {})
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return environ.PATH_INFO
  }
`

interface Seen {
  readonly target: string
  readonly hidden: string | null
  readonly method: string
}

/** Says it on one connection, and leaves when the proxy does, or has nothing more to say. */
function say(url: string, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {}).on('close', () => resolve())
    socket.setTimeout(150, () => socket.destroy())
    socket.resume().write(text)
  })
}

/** The requests of an access log in the common format: `"GET /x HTTP/1.1"`. */
function requestsOf(log: string): string[] {
  return [...log.matchAll(/"([A-Z]+ \S+) HTTP\/1\.[01]" \d{3}/g)].map(([, request = '']) => request)
}

for (const [serverType, program] of [
  ['nginx', 'nginx'],
  ['apache', 'apache2'],
] as const) {
  for (const wire of ['fastcgi', 'uwsgi', 'scgi', 'http']) {
    const { test } = requires(program, 'dist')
    test(`behind ${serverType} over ${wire}, the application gets no request that the proxy does not know of`, async () => {
      const directory = temporaryDirectory()
      writeFileSync(join(directory, 'wsgi.mjs'), APPLICATION)
      const root = join(directory, 'root')
      const options = ['--port', '0', '--server-type', serverType, '--wire', wire, '--server-root', root]
      const launched = new Launched(['start-server', 'wsgi.mjs', ...options, '--processes', '1'], {
        cwd: directory,
      })
      const url = await launched.ready()
      for (const [index, text] of Object.values(DOUBTFUL).entries()) {
        await say(url, text)
        // Whoever comes next on the connections that the proxy keeps gets his own answer.
        expect((await get(`${url}after/${index}`)).body, Object.keys(DOUBTFUL)[index]).toBe(`/after/${index}`)
      }
      const log = (): string[] => requestsOf(readFileSync(join(root, 'access.log'), 'utf8'))
      const last = `GET /after/${Object.keys(DOUBTFUL).length - 1}`
      await until(() => log().includes(last), 'the last line of the log')
      const seen = JSON.parse((await get(`${url}seen`)).body) as Seen[]
      const known = log()
      for (const { target, method } of seen) {
        const at = known.indexOf(`${method} ${target}`)
        expect(at, `${method} ${target}`).not.toBe(-1)
        known.splice(at, 1)
      }
      // Nothing of a target or a body became a field of its own.
      expect(seen.filter(({ target, hidden }) => hidden !== null && target !== '/hidden')).toEqual([])
      expect(seen.length).toBeGreaterThan(Object.keys(DOUBTFUL).length)
    })
  }
}
