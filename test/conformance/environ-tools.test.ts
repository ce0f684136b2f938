import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Write } from '../../src/interface/application.ts'
import { application as hello } from '../fixtures/apps/hello.ts'
import { pattern } from '../wire/bytes.ts'
import { EVERY_WAY, expectComplete, over } from './bench.ts'

const FILE = pattern(1_000_000)

over(EVERY_WAY, 'what an environ offers', (bench) => {
  let directory = ''
  let path = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tsgi-file-'))
    path = join(directory, 'file.bin')
    await writeFile(path, FILE)
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('tsgi.file_wrapper sends a file and closes it', async () => {
    const file = createReadStream(path)
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', String(FILE.length)]])
      return environ['tsgi.file_wrapper'](file, 8192)
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(Buffer.compare(answer.body, FILE)).toBe(0)
    await bench.idle()
    expect(file.destroyed).toBe(true)
  })

  it('tsgi.file_wrapper closes the file when the client leaves', async () => {
    const file = Object.assign(
      (async function* () {
        for (;;) yield FILE
      })(),
      { closed: 0, close: () => file.closed++ },
    )
    bench.use((environ, startResponse) => {
      startResponse('200 OK', [])
      return environ['tsgi.file_wrapper'](file)
    })
    const exchange = await bench.begin({}, { keepBody: false })
    await exchange.endBody()
    await exchange.bodyOf(1000)
    exchange.leave()
    await bench.idle()
    expect(file.closed).toBe(1)
  })

  it('a stream of Node is a body, and a file that is not there a 500', async () => {
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [])
      return Readable.from(['from ', Buffer.from('a stream')])
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('from a stream')
    bench.use((_environ, startResponse) => {
      startResponse('200 OK', [])
      return createReadStream(join(directory, 'nowhere'))
    })
    expectComplete(await bench.send({}), 500)
    expect(bench.log.problems).toHaveLength(1)
  })

  it('tsgi.errors reaches standard error, and no client', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    try {
      bench.use((environ, startResponse) => {
        environ['tsgi.errors'].write('for the operator\n')
        environ['tsgi.errors'].flush()
        startResponse('200 OK', [])
        return ['for the client']
      })
      const answer = await bench.send({})
      expectComplete(answer)
      expect(answer.text).toBe('for the client')
      expect(answer.stderr).toBe('')
      expect(written.mock.calls.map(([text]) => text)).toContain('for the operator\n')
    } finally {
      written.mockRestore()
    }
  })

  it('write and startResponse do no harm once the response is complete', async () => {
    let late: Write | undefined
    let again: (() => void) | undefined
    bench.use((_environ, startResponse) => {
      late = startResponse('200 OK', [])
      again = () => startResponse('404 Not Found', [])
      return ['complete']
    })
    const answer = await bench.send({})
    expectComplete(answer)
    expect(answer.text).toBe('complete')
    await bench.idle()
    await late?.('too late').catch(() => {})
    expect(again).toThrow()
    bench.use(hello)
    expectComplete(await bench.send({}))
  })

  it('a copy and a changed environ serve as well as the one that was given', async () => {
    bench.use(async (environ, startResponse) => {
      environ.PATH_INFO = '/changed'
      environ['tsgi.url_scheme'] = 'https'
      const copy = { ...environ }
      expect(copy['tsgi.signal']).toBe(environ['tsgi.signal'])
      startResponse('200 OK', [])
      return [copy.PATH_INFO, ' ', copy['tsgi.url_scheme'], ' ', await copy['tsgi.input'].read()]
    })
    const answer = await bench.send({ method: 'POST', body: Buffer.from('body') })
    expectComplete(answer)
    expect(answer.text).toBe('/changed https body')
  })

  it('nothing of one request is left in the next', async () => {
    bench.use((environ, startResponse) => {
      const left = [
        environ['left.behind'],
        environ.HTTP_X_ONCE,
        environ['tsgi.signal'].aborted,
        Object.getPrototypeOf(environ) === Object.prototype,
      ]
      environ['left.behind'] = 'x'
      startResponse('200 OK', [])
      return JSON.stringify(left.map(String))
    })
    for (let i = 0; i < 12; i++) {
      const answer = await bench.send(i === 3 ? { headers: [['X-Once', 'here']] } : {})
      expect(JSON.parse(answer.text)).toEqual(['undefined', i === 3 ? 'here' : 'undefined', 'false', 'true'])
    }
  })
})
