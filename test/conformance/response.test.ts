import { expect, it } from 'vitest'
import type { Application, ResponseBody } from '../../src/interface/application.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as setsFramingHeaders } from '../fixtures/apps/sets-framing-headers.ts'
import { application as twoCookies } from '../fixtures/apps/two-cookies.ts'
import { application as writesBeforeReturning } from '../fixtures/apps/writes-before-returning.ts'
import { pattern } from '../wire/bytes.ts'
import { EVERY_WAY, expectComplete, over } from './bench.ts'

/** Answers 200 with what `make` gives. */
function returning(make: () => ResponseBody | Promise<ResponseBody>): Application {
  return (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return make()
  }
}

async function* later(...chunks: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const chunk of chunks) {
    await new Promise((resolve) => setImmediate(resolve))
    yield chunk
  }
}

over(EVERY_WAY, 'the response as the client sees it', (bench) => {
  it('[1] has the status, the headers and the body of the application', async () => {
    bench.use(hello)
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.reason).toBe('OK')
    expect(answer.all('content-type')).toEqual(['text/plain'])
    expect(answer.all('status'), "CGI's Status is no header of the response").toEqual([])
    expect(answer.text).toBe('hello, world\n')
    expect(bench.log.problems).toEqual([])
  })

  it.each<[string, string, () => ResponseBody | Promise<ResponseBody>]>([
    ['a string, as UTF-8', 'naïve €', () => 'naïve €'],
    ['bytes', 'bytes', () => Buffer.from('bytes')],
    ['a part of a larger buffer', 'art', () => new Uint8Array(Buffer.from('partial')).subarray(1, 4)],
    ['null', '', () => null],
    ['an empty string', '', () => ''],
    ['an empty list', '', () => []],
    ['a list of both', 'one two', () => ['one ', Buffer.from('two')]],
    ['a list with empty chunks', 'one two', () => ['', 'one ', new Uint8Array(0), 'two', '']],
    ['a set', 'ab', () => new Set(['a', 'b'])],
    [
      'a generator',
      'abc',
      function* () {
        yield 'a'
        yield Buffer.from('b')
        yield 'c'
      },
    ],
    ['a generator of nothing', '', function* () {}],
    ['an async generator', 'one €two', () => later('one ', '', '€', Buffer.from('two'))],
    ['an async generator of nothing', '', () => later()],
    ['a promise of a list', 'promised', async () => ['prom', 'ised']],
    ['a web stream', 'from a stream', () => new Response('from a stream').body],
  ])('sends %s', async (_name, text, make) => {
    bench.use(returning(make))
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe(text)
    expect(bench.log.problems).toEqual([])
  })

  it('sends a body of 5 MB in one piece and in many', async () => {
    const body = pattern(5_000_000)
    for (const make of [() => body, () => Array.from({ length: 50 }, (_, i) => body.subarray(i * 100_000, (i + 1) * 100_000))]) {
      bench.use(returning(make))
      const answer = await bench.send({})
      expectComplete(answer)
      expect(Buffer.compare(answer.body, body)).toBe(0)
    }
  })

  it.each([16_383, 16_384, 16_385, 32_768, 65_506, 65_507, 65_534, 65_535, 65_536, 131_070, 131_071])(
    '[46] [47] sends %d bytes whole, as one chunk, behind another and by Content-Length',
    async (length) => {
      const body = pattern(length)
      const bodies: (() => ResponseBody)[] = [() => body, () => later(body), () => later('x', body)]
      for (const [index, make] of bodies.entries()) {
        bench.use((_environ, startResponse) => {
          startResponse('200 OK', [['Content-Length', String(length + (index === 2 ? 1 : 0))]])
          return make()
        })
        const answer = await bench.send({})
        expectComplete(answer)
        expect(Buffer.compare(answer.body.subarray(index === 2 ? 1 : 0), body)).toBe(0)
      }
    },
  )

  it('tells the length of a body that is all there', async () => {
    bench.use(hello)
    const answer = await bench.send({})
    expect(answer.all('content-length')).toEqual(['13'])
  })

  it.each([
    '200 OK',
    '201 Created',
    '404 Not Found',
    "418 I'm a teapot",
    '299 Odd but legal',
    '599 The last',
    '503 Service Unavailable',
  ])('passes "%s"', async (status) => {
    bench.use((_environ, startResponse) => {
      startResponse(status, [['Content-Type', 'text/plain']])
      return ['body']
    })
    const answer = await bench.send({})
    expectComplete(answer, Number(status.slice(0, 3)))
    expect(answer.reason).toBe(status.slice(4))
    expect(answer.text).toBe('body')
  })

  it('[69] keeps two Set-Cookie apart, in their order', async () => {
    bench.use(twoCookies)
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.all('set-cookie')).toEqual(['a=1; Path=/', 'b=2, with a comma; Path=/'])
  })

  it('[65] passes latin-1 in header values, byte by byte', async () => {
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [['X-Latin', String(environ.HTTP_X_LATIN)]])
      return null
    })
    const value = 'caf\xe9 \xff\x80 \xc3\xa9 \t end'
    const answer = await bench.send({ headers: [['X-Latin', value]] })
    expectComplete(answer)
    expect(answer.all('x-latin')).toEqual([value])
  })

  it('passes a location without making a status of it', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [['Location', '/elsewhere']])
      return ['here']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.all('location')).toEqual(['/elsewhere'])
    expect(answer.text).toBe('here')
  })

  it('passes a head of 20 KB', async () => {
    bench.use((_environ, startResponse) => {
      startResponse(
        '200 OK',
        Array.from({ length: 20 }, (_, i) => [`X-Long-${i}`, 'v'.repeat(1000)] as const),
      )
      return ['body']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.all('x-long-19')).toEqual(['v'.repeat(1000)])
    expect(answer.text).toBe('body')
  })

  it("[74] leaves out what belongs to the proxy's connection", async () => {
    bench.use(setsFramingHeaders)
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('plain body')
    expect(answer.all('x-kept')).toEqual(['yes'])
    for (const name of ['proxy-connection', 'te', 'trailer', 'upgrade']) expect(answer.all(name), name).toEqual([])
    expect(answer.all('connection').join()).not.toContain('x-private')
    if (bench.clientWire !== 'http') {
      for (const name of ['transfer-encoding', 'connection', 'keep-alive']) expect(answer.all(name), name).toEqual([])
    }
  })

  it('sends what is written before the application returns, in order', async () => {
    bench.use(writesBeforeReturning)
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('one two three four')
  })

  it('sends a written chunk at once, while the application goes on', async () => {
    let goOn: (() => void) | undefined
    bench.use(async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['X-Accel-Buffering', 'no']])
      await write('at once')
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      return [' and later']
    })
    const exchange = await bench.begin({})
    await exchange.endBody()
    expect((await exchange.bodyOf(7)).toString()).toBe('at once')
    expect(exchange.state).toBe('open')
    goOn?.()
    const answer = await exchange.answer()
    exchange.leave()
    expectComplete(answer)
    expect(answer.text).toBe('at once and later')
  })

  it('works for many requests at the same time', async () => {
    bench.use(async (environ, startResponse) => {
      await new Promise((resolve) => setImmediate(resolve))
      startResponse('200 OK', [['X-Path', environ.PATH_INFO]])
      return later(environ.PATH_INFO, ' ', environ.PATH_INFO)
    })
    const paths = Array.from({ length: 40 }, (_, i) => `/request/${i}`)
    const answers = await Promise.all(paths.map((target) => bench.send({ target })))
    for (const [index, answer] of answers.entries()) {
      expectComplete(answer)
      expect(answer.all('x-path')).toEqual([paths[index]])
      expect(answer.text).toBe(`${paths[index]} ${paths[index]}`)
    }
  })
})
