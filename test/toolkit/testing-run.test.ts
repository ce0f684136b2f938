import { describe, expect, it } from 'vitest'
import { Client, createEnviron, runApplication, TestResponse } from '../../src/toolkit/index.ts'
import type { Application } from '../../src/toolkit/index.ts'
import { until } from '../support/until.ts'

const TEXT: [string, string][] = [['Content-Type', 'text/plain']]

/** Chunks, and what becomes of them. */
function streaming(...chunks: readonly string[]): { application: Application; log: string[] } {
  const log: string[] = []
  const application: Application = (_environ, startResponse) => {
    startResponse('200 OK', TEXT)
    return {
      async *[Symbol.asyncIterator]() {
        try {
          for (const chunk of chunks) {
            log.push(`gave ${chunk}`)
            yield chunk
          }
          log.push('exhausted')
        } finally {
          log.push('finally')
        }
      },
      close: () => log.push('closed'),
    }
  }
  return { application, log }
}

describe('runApplication', () => {
  it('gives status, headers and body as a client would see them', async () => {
    const application: Application = (environ, startResponse) => {
      startResponse('201 Made', [...TEXT, ['X-Method', environ.REQUEST_METHOD], ['Connection', 'close']])
      return 'héllo'
    }
    const response = await runApplication(application, createEnviron({ method: 'PUT' }))
    expect(response).toBeInstanceOf(TestResponse)
    expect(response.status).toBe('201 Made')
    expect(response.headers.toList()).toEqual([...TEXT, ['X-Method', 'PUT'], ['Content-Length', '6']])
    expect(await response.text()).toBe('héllo')
  })

  it('gives chunks as they come, and calls close behind the last one', async () => {
    const { application, log } = streaming('a', 'b')
    const { body } = await runApplication(application, createEnviron())
    const chunks: string[] = []
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk).toString())
    expect(chunks).toEqual(['a', 'b'])
    expect(log).toEqual(['gave a', 'gave b', 'exhausted', 'finally', 'closed'])
  })

  it('resolves with the first chunk, while the application waits for more to send', async () => {
    let go = (): void => {}
    const more = new Promise<void>((resolve) => (go = resolve))
    const waiting: Application = (_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      return (async function* () {
        yield 'first'
        await more
        yield 'second'
      })()
    }
    const { body } = await runApplication(waiting, createEnviron())
    const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe('first')
    go()
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe('second')
    expect((await iterator.next()).done).toBe(true)
  })

  it('buffered resolves when all is done', async () => {
    const { application, log } = streaming('a', 'b')
    const response = await runApplication(application, createEnviron(), { buffered: true })
    expect(log.at(-1)).toBe('closed')
    expect(await response.text()).toBe('ab')
  })

  it('lets the application stop and close where the response is closed before its end', async () => {
    const { application, log } = streaming(...Array.from({ length: 1000 }, () => 'x'.repeat(1000)))
    const response = await runApplication(application, createEnviron())
    await response.close()
    await until(() => log.includes('closed'), 'close()')
    expect(log).toContain('finally')
    expect(log).not.toContain('exhausted')
    expect(log.filter((line) => line.startsWith('gave')).length).toBeLessThan(1000)
  })

  it('makes write() wait for the reader', async () => {
    const written: number[] = []
    const application: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', TEXT)
      for (let index = 0; index < 5; index++) {
        await write('x'.repeat(40_000))
        written.push(index)
      }
      return null
    }
    const response = await runApplication(application, createEnviron())
    await new Promise((resolve) => setImmediate(resolve))
    expect(written.length).toBeLessThan(3)
    expect(await response.text()).toHaveLength(200_000)
    expect(written).toHaveLength(5)
  })

  it('gives HEAD no body, and adds up no length that it does not know', async () => {
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [...TEXT, ['Content-Length', '5']])
      return 'hello'
    }
    const response = await runApplication(application, createEnviron({ method: 'HEAD' }))
    expect(response.headers.get('content-length')).toBe('5')
    expect(await response.text()).toBe('')
  })

  it('replaces a response that has not begun by excInfo, and throws it once it has', async () => {
    const replaced: Application = (_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      startResponse('500 Oh', TEXT, new Error('no'))
      return 'sorry'
    }
    expect((await runApplication(replaced, createEnviron())).status).toBe('500 Oh')
    const late: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', TEXT)
      await write('begun')
      startResponse('500 Oh', TEXT, [new Error('too late')])
      return null
    }
    const response = await runApplication(late, createEnviron())
    expect(response.status).toBe('200 OK')
    await expect(response.text()).rejects.toThrow('too late')
  })

  it.each<[string, Application, object]>([
    [
      'throws',
      () => {
        throw new RangeError('mine')
      },
      { name: 'RangeError', message: 'mine' },
    ],
    [
      'rejects',
      async () => {
        throw new RangeError('mine')
      },
      { name: 'RangeError', message: 'mine' },
    ],
    [
      'starts twice',
      (_environ, start) => {
        start('200 OK', TEXT)
        start('200 OK', TEXT)
        return ''
      },
      { code: 'TSGI_ERR_RESPONSE_STARTED' },
    ],
    ['starts never', () => 'x', { code: 'TSGI_ERR_RESPONSE_NOT_STARTED' }],
    [
      'has a bad status',
      (_environ, start) => {
        start('OK', TEXT)
        return ''
      },
      { code: 'TSGI_ERR_STATUS_INVALID' },
    ],
    [
      'has a bad header',
      (_environ, start) => {
        start('200 OK', [['A', 'b\r\nc']])
        return ''
      },
      { code: 'TSGI_ERR_HEADER_INVALID' },
    ],
    [
      'gives no body',
      (_environ, start) => {
        start('200 OK', TEXT)
        return 5 as unknown as string
      },
      { code: 'TSGI_ERR_BODY_INVALID' },
    ],
    [
      'is too short',
      (_environ, start) => {
        start('200 OK', [...TEXT, ['Content-Length', '9']])
        return 'x'
      },
      { code: 'TSGI_ERR_BODY_TOO_SHORT' },
    ],
    [
      'is too long',
      (_environ, start) => {
        start('200 OK', [...TEXT, ['Content-Length', '1']])
        return 'xyz'
      },
      { code: 'TSGI_ERR_BODY_TOO_LONG' },
    ],
    [
      'fails half-way',
      (_environ, start) => {
        start('200 OK', TEXT)
        return (function* () {
          yield 'a'
          throw new RangeError('half')
        })()
      },
      { message: 'half' },
    ],
    [
      'fails in close',
      (_environ, start) => {
        start('200 OK', TEXT)
        return {
          *[Symbol.iterator]() {
            yield 'a'
          },
          close() {
            throw new RangeError('closing')
          },
        }
      },
      { message: 'closing' },
    ],
  ])('rejects where the application %s', async (_name, application, expected) => {
    await expect(runApplication(application, createEnviron(), { buffered: true })).rejects.toMatchObject(expected)
  })

  it('answers 500 as a server does with raiseErrors: false, and tells tsgi.errors', async () => {
    let errors = ''
    const environ = createEnviron({ path: '/x', errors: { write: (text) => void (errors += text), flush() {} } })
    const failing: Application = () => {
      throw new Error('my secret')
    }
    const response = await runApplication(failing, environ, { raiseErrors: false, buffered: true })
    expect(response.statusCode).toBe(500)
    expect(await response.text()).toBe('Internal Server Error\n')
    expect(errors).toContain('GET /x')
    expect(errors).toContain('my secret')
  })

  it('calls the application with an environ of its own', async () => {
    const environ = createEnviron()
    await runApplication(
      (given, startResponse) => {
        given.PATH_INFO = '/changed'
        startResponse('200 OK', TEXT)
        return ''
      },
      environ,
      { buffered: true },
    )
    expect(environ.PATH_INFO).toBe('/')
  })

  it('tells the application by tsgi.signal that the client has left', async () => {
    const controller = new AbortController()
    const seen: string[] = []
    const application: Application = (environ, startResponse) => {
      startResponse('200 OK', TEXT)
      environ['tsgi.signal'].addEventListener('abort', () => seen.push('aborted'))
      return {
        async *[Symbol.asyncIterator]() {
          yield 'a'
          await new Promise(() => {})
        },
        close: () => seen.push('closed'),
      }
    }
    const response = await runApplication(application, createEnviron({ signal: controller.signal }))
    controller.abort()
    await expect(response.text()).rejects.toThrow()
    await until(() => seen.includes('closed'), 'close()')
    expect(seen).toEqual(['aborted', 'closed'])
    await expect(runApplication(application, createEnviron({ signal: controller.signal }))).rejects.toThrow()
  })

  it('is what Client.handle does', async () => {
    const { application } = streaming('a')
    expect(await (await new Client(application).handle(createEnviron())).text()).toBe('a')
  })
})
