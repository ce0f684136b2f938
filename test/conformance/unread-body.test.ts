import { expect, it } from 'vitest'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as ignoresBody } from '../fixtures/apps/ignores-body.ts'
import { pattern } from '../wire/bytes.ts'
import { EVERY_WAY, expectComplete, over, STREAMING_NGINX_WAYS, type Bench } from './bench.ts'

const SIZES = [10, 100_000, 1_000_000]

function answersWithoutReading(bench: Bench): void {
  it.each(SIZES)('gives the whole response to a POST of %d bytes', async (length) => {
    bench.use(ignoresBody)
    const answer = await bench.send({ method: 'POST', body: pattern(length) })
    expectComplete(answer)
    expect(answer.text).toBe('not read')
    await bench.idle()
    expect(bench.log.problems).toEqual([])
  })

  it.each(SIZES)('gives a response of 200 KB to a POST of %d bytes', async (length) => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [])
      return 'r'.repeat(200_000)
    })
    const answer = await bench.send({ method: 'POST', body: pattern(length) })
    expectComplete(answer)
    expect(answer.body).toHaveLength(200_000)
  })

  it.each(SIZES)('fails with a whole 500 for a POST of %d bytes', async (length) => {
    bench.use(() => {
      throw new Error('without reading')
    })
    expectComplete(await bench.send({ method: 'POST', body: pattern(length) }), 500)
  })

  it.each(SIZES)('reads a part and answers a POST of %d bytes', async (length) => {
    bench.use(async (environ, startResponse) => {
      const part = await environ['tsgi.input'].read(7)
      startResponse('200 OK', [])
      return String(part.length)
    })
    const answer = await bench.send({ method: 'POST', body: pattern(length) })
    expectComplete(answer)
    expect(answer.text).toBe('7')
  })

  it('the rest of the body is never another request', async () => {
    const calls: string[] = []
    bench.use((environ, startResponse) => {
      calls.push(environ.PATH_INFO)
      startResponse('200 OK', [])
      return ['answer']
    })
    const body = Buffer.from('GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000))
    expectComplete(await bench.send({ method: 'POST', target: '/first', body }))
    expectComplete(await bench.send({ target: '/second' }))
    await bench.idle()
    expect(calls).toEqual(['/first', '/second'])
  })
}

over(EVERY_WAY, '[79] an application that answers without reading the body', answersWithoutReading)

over(STREAMING_NGINX_WAYS, '[79] an application that answers without reading a body that nginx streams', answersWithoutReading, {
  nginx: { requestBuffering: false, buffering: false },
})

over(
  EVERY_WAY.filter(({ wire, proxied }) => proxied || (wire !== 'uwsgi' && wire !== 'scgi')),
  '[79] an application that answers without reading the body, on a kept connection',
  (bench) => {
    it.each(SIZES)('leaves it sound behind a POST of %d bytes', async (length) => {
      bench.use(ignoresBody)
      const first = await bench.begin({ method: 'POST', length }, { keep: true })
      await first.sendBody(pattern(length))
      await first.endBody()
      expectComplete(await first.answer())
      bench.use(hello)
      const second = await bench.send({}, { keep: true, connection: first.connection })
      first.leave()
      expectComplete(second)
      expect(second.text).toBe('hello, world\n')
    })
  },
)
