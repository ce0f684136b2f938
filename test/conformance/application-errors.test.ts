import { expect, it } from 'vitest'
import type { Application, HeaderPair } from '../../src/interface/application.ts'
import { application as excInfoAfter, seen as excInfoSeen } from '../fixtures/apps/exc-info-after-headers.ts'
import { application as excInfoBefore } from '../fixtures/apps/exc-info-before-headers.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as neverStarts } from '../fixtures/apps/never-starts.ts'
import { application as rejectsBeforeHeaders } from '../fixtures/apps/rejects-before-headers.ts'
import { application as startsTwice } from '../fixtures/apps/starts-twice.ts'
import { application as throwsBeforeFirstChunk } from '../fixtures/apps/throws-before-first-chunk.ts'
import { application as throwsBeforeHeaders } from '../fixtures/apps/throws-before-headers.ts'
import type { Answer } from '../wire/exchange.ts'
import { EVERY_WAY, expectComplete, over, type Bench } from './bench.ts'

/** What a client is told about an error of the application: a status, and nothing of what went wrong. */
function expectPlain500(answer: Answer): void {
  expectComplete(answer, 500)
  const whole = `${answer.headers.flat().join(' ')} ${answer.text} ${answer.stderr}`
  expect(whole).not.toMatch(/secret|hunter2|Error:|\.ts:|at \w+ \(/)
  expect(answer.all('x-first')).toEqual([])
}

/** The server lives: the next request is served. */
async function expectAlive(bench: Bench): Promise<void> {
  bench.use(hello)
  expectComplete(await bench.send({}))
}

over(EVERY_WAY, 'an application that fails', (bench) => {
  it.each([
    ['throws before the headers', throwsBeforeHeaders],
    ['rejects before the headers', rejectsBeforeHeaders],
    ['throws before the first chunk', throwsBeforeFirstChunk],
  ])('[77] %s: 500, the error in the log, not at the client', async (_name, application) => {
    bench.use(application)
    expectPlain500(await bench.send({}))
    expect(bench.log.problems).toHaveLength(1)
    const { level, error } = await bench.log.whenProblem()
    expect(level).toBe('error')
    expect(String(error instanceof Error ? (error.cause ?? error) : error)).toContain('hunter2')
    await expectAlive(bench)
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'secret'],
    ['an object without a prototype', Object.create(null)],
    [
      'an object that cannot be shown',
      {
        toString() {
          throw new Error('secret')
        },
        get message() {
          throw new Error('secret')
        },
      },
    ],
  ])('[77] throws %s: 500', async (_name, thrown) => {
    bench.use(() => {
      throw thrown
    })
    expectPlain500(await bench.send({}))
    expect(bench.log.problems).toHaveLength(1)
    await expectAlive(bench)
  })

  it.each([
    ['never calls startResponse', neverStarts, 'TSGI_ERR_RESPONSE_NOT_STARTED'],
    ['calls startResponse twice', startsTwice, 'TSGI_ERR_RESPONSE_STARTED'],
  ])('%s: 500', async (_name, application, code) => {
    bench.use(application)
    expectPlain500(await bench.send({}))
    expect(bench.log.codes).toEqual([code])
    await expectAlive(bench)
  })

  it('replaces a response of which nothing was sent by excInfo', async () => {
    bench.use(excInfoBefore)
    const answer = await bench.send({})
    expectComplete(answer, 503)
    expect(answer.all('x-first')).toEqual([])
    expect(answer.all('x-second')).toEqual(['yes'])
    expect(answer.text).toBe('an error page')
  })

  it('gets its own error back from excInfo behind the headers, and the response is cut off', async () => {
    excInfoSeen.clear()
    bench.use(excInfoAfter)
    const answer = await bench.send({})
    expect(excInfoSeen.events).toEqual(['rethrown'])
    expect(answer.text).not.toContain('an error page')
    // uwsgi has no sign of a loss where there is no Content-Length.
    if (bench.way.wire !== 'uwsgi' && bench.way.wire !== 'scgi') expect(answer.state).toBe('broken')
    expect(bench.log.problems).toHaveLength(1)
    await expectAlive(bench)
  })

  it.each<[string, unknown]>([
    ['a number', 7],
    ['true', true],
    ['an object that cannot be iterated', {}],
    ['a function', () => 'secret'],
    ['a list with a number in it', ['secret', 7]],
    ['a list with null in it', [null]],
    ['a list of lists', [['secret']]],
    ['an ArrayBuffer', new ArrayBuffer(3)],
    ['a symbol', Symbol('secret')],
  ])('returns %s: 500', async (_name, body) => {
    // What a program without types may do.
    bench.use(((_environ, startResponse) => {
      startResponse('200 OK', [['X-First', 'yes']])
      return body
    }) as Application)
    expectPlain500(await bench.send({}))
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_INVALID'])
    await expectAlive(bench)
  })
})

/** Headers that would end the header, or the head, or be another one. */
const INJECTIONS: [string, unknown][] = [
  ['LF in a value', ['X-A', 'secret\nSet-Cookie: stolen=1']],
  ['CRLF in a value', ['X-A', 'secret\r\nSet-Cookie: stolen=1']],
  ['CR in a value', ['X-A', 'secret\rSet-Cookie: stolen=1']],
  ['an empty line in a value', ['X-A', 'secret\r\n\r\n<script>']],
  ['NUL in a value', ['X-A', 'secret\0']],
  ['a control character in a value', ['X-A', 'secret\x01']],
  ['DEL in a value', ['X-A', 'secret\x7f']],
  ['a character that is no latin-1 in a value', ['X-A', 'secret €']],
  ['a character whose low byte is LF in a value', ['X-A', 'secret\u010aSet-Cookie: stolen=1']],
  ['LF in a name', ['X-A\nSet-Cookie', 'secret']],
  ['CRLF in a name', ['X-A: x\r\nSet-Cookie', 'secret']],
  ['a colon in a name', ['X-A:', 'secret']],
  ['a space in a name', ['X A', 'secret']],
  ['an empty name', ['', 'secret']],
  ['NUL in a name', ['X\0', 'secret']],
  ['a name that is no ASCII', ['X-\xe9', 'secret']],
  ['a value that is a number', ['X-A', 7]],
  ['a value that is undefined', ['X-A', undefined]],
  ['a value that is a list', ['X-A', ['secret']]],
  ['a pair of three', ['X-A', 'secret', 'more']],
  ['a pair that is a string', 'X-A: secret'],
  ['a Content-Length that is no number', ['Content-Length', '5, 5']],
  ['a Content-Length below zero', ['Content-Length', '-1']],
]

const STATUSES: [string, unknown][] = [
  ['CRLF', '200 OK\r\nSet-Cookie: stolen=1'],
  ['LF', '200 OK\nSet-Cookie: stolen=1'],
  ['NUL', '200 OK\0'],
  ['no digits', 'secret'],
  ['two digits', '20 OK'],
  ['four digits', '2000 OK'],
  ['1xx', '100 Continue'],
  ['101', '101 Switching Protocols'],
  ['103', '103 Early Hints'],
  ['600', '600 Too high'],
  ['000', '000 None'],
  ['an HTTP version', 'HTTP/1.1 200 OK'],
  ['a leading space', ' 200 OK'],
  ['a character that is no latin-1', '200 €'],
  ['nothing', ''],
  ['a number', 200],
  ['undefined', undefined],
]

over(EVERY_WAY, '[70] header injection', (bench) => {
  async function expectRefused(status: unknown, headers: unknown, code: RegExp): Promise<void> {
    bench.use((_environ, startResponse) => {
      // What a program without types may do.
      startResponse(status as string, headers as HeaderPair[])
      return ['secret body']
    })
    const answer = await bench.send({})
    expectPlain500(answer)
    expect(answer.all('set-cookie')).toEqual([])
    expect(answer.all('x-a')).toEqual([])
    expect(answer.text).not.toContain('script')
    expect(bench.log.codes).toEqual([expect.stringMatching(code)])
    const { error } = await bench.log.whenProblem()
    expect(error instanceof Error ? error.message : '').toMatch(/^[^\x00-\x1f\x7f]+$/)
  }

  it.each(INJECTIONS)('%s is refused with 500, and nothing leaks', async (_name, pair) => {
    await expectRefused('200 OK', [['X-First', 'yes'], pair], /^TSGI_ERR_(HEADER_INVALID|CONTENT_LENGTH)$/)
  })

  it.each(STATUSES)('a status with %s is refused with 500, and nothing leaks', async (_name, status) => {
    await expectRefused(status, [['X-First', 'yes']], /^TSGI_ERR_STATUS_INVALID$/)
  })

  it('headers that are no list are refused with 500', async () => {
    for (const headers of [undefined, null, 'X-A: secret', { 'X-A': 'secret' }, new Map([['X-A', 'secret']])]) {
      bench.log.entries.length = 0
      await expectRefused('200 OK', headers, /^TSGI_ERR_HEADER_INVALID$/)
    }
  })

  it('two different Content-Length are refused with 500', async () => {
    await expectRefused(
      '200 OK',
      [
        ['Content-Length', '11'],
        ['content-length', '4'],
      ],
      /^TSGI_ERR_(HEADER_INVALID|CONTENT_LENGTH)$/,
    )
  })

  it('an application that catches the error can answer something else', async () => {
    bench.use((_environ, startResponse) => {
      try {
        startResponse('200 OK', [['X-A', 'a\nb']])
      } catch {
        startResponse('400 Bad Request', [['X-Second', 'yes']])
      }
      return ['caught']
    })
    const answer = await bench.send({})
    expectComplete(answer, 400)
    expect(answer.all('x-second')).toEqual(['yes'])
    expect(answer.text).toBe('caught')
  })

  it('headers changed behind startResponse are not the ones sent', async () => {
    bench.use((_environ, startResponse) => {
      const pair: [string, string] = ['X-Kept', 'as given']
      const headers = [pair]
      startResponse('200 OK', headers)
      pair[1] = 'x\r\nSet-Cookie: stolen=1'
      headers.push(['Set-Cookie', 'stolen=2'])
      return ['body']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.all('x-kept')).toEqual(['as given'])
    expect(answer.all('set-cookie')).toEqual([])
  })
})
