import { expect, it } from 'vitest'
import { application as hello } from '../fixtures/apps/hello.ts'
import { application as longBody } from '../fixtures/apps/long-body.ts'
import { application as longStream } from '../fixtures/apps/long-stream.ts'
import { application as shortBody } from '../fixtures/apps/short-body.ts'
import { application as shortStream } from '../fixtures/apps/short-stream.ts'
import { latin1 } from '../wire/bytes.ts'
import { DIRECT_WAYS, EVERY_WAY, expectComplete, over, type Bench } from './bench.ts'
import { until } from '../support/until.ts'

/** A response that mod_proxy_scgi has whole by the time it looks gets a Content-Length of what there is. */
function tellsLoss({ way }: Bench): boolean {
  return way.wire !== 'scgi' || way.proxy !== 'apache'
}

over(EVERY_WAY, 'the Content-Length of a response', (bench) => {
  it.each([
    ['a list', longBody, 'four'],
    ['a stream', longStream, 'fourm'],
  ])('[75] cuts off %s that is longer, and says so in the log', async (_name, application, text) => {
    bench.use(application)
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe(text)
    await bench.idle()
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_TOO_LONG'])
  })

  it('[75] cuts off what is written', async () => {
    bench.use(async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['Content-Length', '6']])
      await write('four')
      await write('more')
      await write('and more')
      return ['and the rest']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('fourmo')
    await bench.idle()
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_TOO_LONG'])
  })

  it('[75] cuts characters of several bytes by bytes', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '4']])
      return ['€€']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.body.toString('hex')).toBe('e282ace2')
  })

  it.each([
    ['one piece', shortBody],
    ['a stream', shortStream],
  ])('[48] [76] %s that is shorter is never a whole response', async (_name, application) => {
    bench.use(application)
    const answer = await bench.send({})
    if (tellsLoss(bench)) expect(answer.state).toBe('broken')
    await bench.idle()
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_TOO_SHORT'])
    bench.use(hello)
    expectComplete(await bench.send({}))
  })

  it('[76] an empty body is shorter too', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '10']])
      return null
    })
    const answer = await bench.send({})
    // A proxy that has got no byte of a body may answer by itself.
    if (tellsLoss(bench) && answer.state === 'complete') expect(answer.status).toBeGreaterThanOrEqual(500)
    await bench.idle()
    expect(bench.log.codes).toEqual(['TSGI_ERR_BODY_TOO_SHORT'])
  })

  it('[76] a connection is not used again behind a body that was too short', async () => {
    bench.use(shortStream)
    const first = await bench.begin({}, { keep: true })
    await first.endBody()
    const { state } = await first.answer()
    if (tellsLoss(bench)) expect(state).toBe('broken')
    await first.connection.whenEnded()
    first.leave()
  })

  it('counts strings by their bytes', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '10']])
      return ['€', 'naïve', 'x']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('€naïvex')
    expect(bench.log.problems).toEqual([])
  })

  it('accepts the same length twice and sends it once', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [
        ['Content-Length', '4'],
        ['content-length', '4'],
      ])
      return ['four']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.all('content-length')).toEqual(['4'])
  })
})

over(DIRECT_WAYS, 'the Content-Length of a request', (bench) => {
  it('[16] [40] a body that ends early fails the read, never looks whole', async () => {
    let outcome = ''
    bench.use(async (environ, startResponse) => {
      try {
        await environ['tsgi.input'].read()
        outcome = 'read'
      } catch (error) {
        outcome = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'another error'
      }
      startResponse('200 OK', [])
      return null
    })
    const exchange = await bench.begin({ method: 'POST', length: 100 })
    await exchange.sendBody(latin1('only this'))
    if (bench.way.wire === 'fastcgi') await exchange.endBody()
    else exchange.connection.end()
    await until(() => outcome !== '', 'the end of the read')
    await bench.idle()
    exchange.leave()
    expect(outcome).toMatch(bench.way.wire === 'fastcgi' ? /^TSGI_ERR_BODY_LENGTH$/ : /^TSGI_ERR_CLIENT_DISCONNECTED$/)
  })
})
