import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { DIRECT_WAYS, EVERY_WAY, expectComplete } from '../conformance/bench.ts'
import { latin1, pattern } from '../wire/bytes.ts'
import { overFetch } from './served.ts'

const encoder = new TextEncoder()

/** A stream of chunks, each of which takes a turn of the event loop. */
function slowly(chunks: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  let next = 0
  return new ReadableStream({
    async pull(controller) {
      await setImmediate()
      await setImmediate()
      const chunk = chunks[next++]
      if (chunk === undefined) controller.close()
      else controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
    },
  })
}

overFetch(EVERY_WAY, 'a response of a fetch application', (bench, use) => {
  it.each<[string, () => unknown, string, string | undefined]>([
    ['a string', () => new Response('hällo'), 'hällo', 'text/plain;charset=UTF-8'],
    ['an empty string', () => new Response(''), '', 'text/plain;charset=UTF-8'],
    ['nothing', () => new Response(), '', undefined],
    ['bytes', () => new Response(encoder.encode('bytes')), 'bytes', undefined],
    ['an ArrayBuffer', () => new Response(encoder.encode('buffer').buffer), 'buffer', undefined],
    ['a Blob', () => new Response(new Blob(['blob'], { type: 'text/x' })), 'blob', 'text/x'],
    [
      'URLSearchParams',
      () => new Response(new URLSearchParams({ a: 'b c' })),
      'a=b+c',
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
    ['a stream', () => new Response(slowly(['a', 'b', 'c'])), 'abc', undefined],
    ['a stream that is there at once', () => new Response(new Blob(['at once']).stream()), 'at once', undefined],
    ['an empty stream', () => new Response(slowly([])), '', undefined],
    ['a type that was given', () => new Response('<p>', { headers: { 'Content-Type': 'text/html' } }), '<p>', 'text/html'],
    ['JSON', () => Response.json({ a: 1 }), '{"a":1}', 'application/json'],
    ['a promise', () => Promise.resolve(new Response('later')), 'later', 'text/plain;charset=UTF-8'],
    ['a clone', () => new Response('clone').clone(), 'clone', 'text/plain;charset=UTF-8'],
    ['one whose body was looked at', () => look(new Response('looked')), 'looked', 'text/plain;charset=UTF-8'],
    ['one of the body of another', () => anew(new Response('another')), 'another', 'text/plain;charset=UTF-8'],
  ])('with %s arrives', async (_what, fetch, text, type) => {
    use(fetch)
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe(text)
    expect(answer.all('content-type')[0]).toBe(type)
  })

  it('has its status, its reason, and its fields, with Set-Cookie apart', async () => {
    use(() => {
      const headers = new Headers({ 'X-A': '1', 'x-empty': '' })
      headers.append('Set-Cookie', 'a=1; Expires=Thu, 01 Jan 2032 00:00:00 GMT')
      headers.append('Set-Cookie', 'b=2')
      headers.append('X-List', 'a')
      headers.append('X-List', 'b')
      const response = new Response('made', { status: 201, statusText: 'Made', headers })
      response.headers.append('set-cookie', 'c=3')
      response.headers.set('x-a', '2')
      return response
    })
    const answer = await bench.send({})
    expectComplete(answer, 201)
    expect(answer.reason).toBe('Made')
    expect(answer.all('x-a')).toEqual(['2'])
    expect(answer.all('x-list')).toEqual(['a, b'])
    expect(answer.all('x-empty')).toEqual([''])
    expect(answer.all('set-cookie')).toEqual(['a=1; Expires=Thu, 01 Jan 2032 00:00:00 GMT', 'b=2', 'c=3'])
    expect(answer.all('content-length')).toEqual(['4'])
  })

  it('leaves out what belongs to the connection', async () => {
    use(
      () =>
        new Response('x', {
          headers: { Connection: 'close', 'Keep-Alive': 'timeout=1', 'Transfer-Encoding': 'chunked', Upgrade: 'h2c', 'X-A': '1' },
        }),
    )
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('x')
    expect(answer.all('upgrade')).toEqual([])
    expect(answer.all('x-a')).toEqual(['1'])
  })

  it.each([204, 304])('%i has no body', async (status) => {
    use(() => new Response(null, { status, headers: { etag: '"x"' } }))
    const answer = await bench.send({})
    expectComplete(answer, status)
    expect(answer.body.length).toBe(0)
    expect(answer.all('etag')).toEqual(['"x"'])
  })

  it.each<[string, () => Response]>([
    ['a string', () => new Response('12345')],
    ['bytes', () => new Response(new Uint8Array(5))],
  ])('to HEAD with %s has its length and no body', async (_what, fetch) => {
    use(fetch)
    const answer = await bench.send({ method: 'HEAD' })
    expectComplete(answer)
    expect(answer.body.length).toBe(0)
    expect(answer.all('content-length')).toEqual(['5'])
  })

  it('to HEAD with a stream cancels it', async () => {
    let cancelled = false
    use(
      () =>
        new Response(
          new ReadableStream({
            cancel() {
              cancelled = true
            },
          }),
        ),
    )
    const answer = await bench.send({ method: 'HEAD' })
    expectComplete(answer)
    expect(cancelled).toBe(true)
  })

  it('redirects', async () => {
    use(() => Response.redirect('http://tsgi.test/there', 303))
    const answer = await bench.send({})
    expectComplete(answer, 303)
    expect(answer.all('location')).toEqual(['http://tsgi.test/there'])
  })

  it('with a body of many chunks arrives whole', async () => {
    const chunks = Array.from({ length: 40 }, (_, index) => pattern(10_000 + index))
    use(() => new Response(slowly(chunks)))
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.body.equals(Buffer.concat(chunks))).toBe(true)
  })

  it('is closed on a declared length', async () => {
    use(() => new Response(slowly(['abc', 'def']), { headers: { 'content-length': '6' } }))
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.all('content-length')).toEqual(['6'])
    expect(answer.text).toBe('abcdef')
  })

  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'undefined'],
    ['a string', () => 'text', 'text'],
    ['an object', () => ({ status: 200 }), 'object Object'],
    ['a promise of null', () => Promise.resolve(null), 'null'],
  ])('is a 500 where the application returns %s, and the log says so', async (_what, fetch, named) => {
    use(fetch)
    const answer = await bench.send({})
    expect(answer.status).toBe(500)
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_INVALID'])
    expect(String(bench.log.problems[0]?.error)).toContain(`fetch() returned "${named}", which is no Response`)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('hunter2')
      },
    ],
    ['rejects', () => Promise.reject(new Error('hunter2'))],
    ['returns Response.error()', () => Response.error()],
    [
      'returns a body that was read',
      async () => {
        const response = new Response('x')
        await response.text()
        return response
      },
    ],
    [
      'returns a stream that fails at once',
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.error(new Error('hunter2'))
            },
          }),
        ),
    ],
    ['returns a field with a control character', () => new Response('x', { headers: { 'x-a': 'a\x01b' } })],
  ])('is a 500 where the application %s', async (_what, fetch) => {
    use(fetch)
    const answer = await bench.send({})
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('hunter2')
    expect(bench.log.problems.length).toBe(1)
  })

  it('reaches the client event by event', async () => {
    const said: string[] = []
    let say: ((text: string) => void) | undefined
    let end: (() => void) | undefined
    use(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              say = (text) => controller.enqueue(encoder.encode(text))
              end = () => controller.close()
            },
          }),
          { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } },
        ),
    )
    const exchange = await bench.begin({})
    await exchange.endBody()
    // The head comes before anything has been said; over FastCGI, Apache keeps it until something is.
    if (bench.way.proxy !== 'apache' || bench.way.wire !== 'fastcgi') expect((await exchange.head()).status).toBe(200)
    await until(() => say !== undefined, 'the application')
    for (const text of ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']) {
      said.push(text)
      say?.(text)
      await exchange.bodyOf(said.join('').length)
      expect(exchange.state).toBe('open')
    }
    end?.()
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text).toBe(said.join(''))
  })

  it('does not wait for a body that nobody reads', async () => {
    use(() => new Response('early'))
    const answer = await bench.send({ method: 'POST', body: pattern(100_000) })
    expectComplete(answer)
    expect(answer.text).toBe('early')
  })
})

overFetch(DIRECT_WAYS, 'a response that fails half-way', (bench, use) => {
  it.each<[string, number | undefined]>([
    ['fails', undefined],
    ['gives a number', 5],
  ])('is visibly incomplete where its stream %s', async (_what, value) => {
    use(() => {
      let pulls = 0
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await setImmediate()
            if (pulls++ < 3) controller.enqueue(encoder.encode('begun '))
            else if (value === undefined) throw new Error('hunter2')
            // What no stream of bytes should hold.
            else controller.enqueue(value as unknown as Uint8Array)
          },
        }),
      )
    })
    const exchange = await bench.begin({})
    await exchange.endBody()
    const answer = await exchange.answer()
    exchange.leave()
    expect(answer.status).toBe(200)
    // uwsgi has no sign for it.
    if (bench.way.wire !== 'uwsgi' && bench.way.wire !== 'scgi') expect(answer.state).toBe('broken')
    expect(answer.text).not.toContain('hunter2')
    expect(bench.log.problems.length).toBe(1)
  })

  it('is cut at its declared length', async () => {
    use(() => new Response('abcdef', { headers: { 'content-length': '3' } }))
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('abc')
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_TOO_LONG'])
  })
})

// Not behind nginx, which passes no more of a request on once its response has begun.
overFetch(DIRECT_WAYS, 'a body that is sent back as it comes', (bench, use) => {
  it('arrives whole', async () => {
    use((request) => new Response(request.body as ReadableStream))
    const body = pattern(500_000)
    const answer = await bench.send({ method: 'POST', body })
    expectComplete(answer)
    expect(answer.body.equals(body)).toBe(true)
  })

  it('arrives piece by piece', async () => {
    use((request) => new Response(request.body as ReadableStream))
    const exchange = await bench.begin({ method: 'POST', length: 9 })
    for (const [index, piece] of ['abc', 'def', 'ghi'].entries()) {
      await exchange.sendBody(latin1(piece))
      await exchange.bodyOf(3 * (index + 1))
    }
    await exchange.endBody()
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text).toBe('abcdefghi')
  })
})

/** Reads nothing, but asks for the stream and the fields. */
function look(response: Response): Response {
  void response.body
  void response.headers
  return response
}

function anew(response: Response): Response {
  return new Response(response.body, response)
}
