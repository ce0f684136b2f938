import { createGzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import {
  accessControl,
  compose,
  compress,
  dispatcher,
  nodeMiddleware,
  profiler,
  proxyFix,
  requestId,
  timing,
} from '../../src/middleware/index.ts'
import type { Middleware } from '../../src/middleware/index.ts'
import { lint } from '../../src/middleware/lint/index.ts'
import type { LintFinding } from '../../src/middleware/lint/index.ts'
import type { Application } from '../../src/index.ts'
import { served } from '../middleware/served.ts'
import { temporaryDirectory } from '../process/served.ts'
import { answering, environOf, server, TEXT } from './faulty-server.ts'

/** An application with an error (1.6) and a warning (1.10). */
const faulty: Application = (_environ, startResponse) => {
  startResponse('200', [...TEXT, ['Connection', 'close']])
  return 'hello'
}

describe('lint', () => {
  it('writes a finding to tsgi.errors, the same one once', async () => {
    const lines: string[] = []
    const application = lint(faulty)
    for (let count = 0; count < 3; count++) {
      const one = server()
      one.environ = environOf({
        'tsgi.errors': { write: (text: string) => lines.push(text), flush() {} },
        REQUEST_URI: `/${count}\n`,
        PATH_INFO: `/${count}`,
      })
      await one.serve(application)
    }
    expect(lines).toEqual([
      'TSGI_ERR_LINT A rule of TSGI 1.0 is broken: rule 1.10, warning of the application: the status is "200"; expected a reason behind the number ("GET" "/0\\n")\n',
      'TSGI_ERR_LINT A rule of TSGI 1.0 is broken: rule 1.6, error of the application: there is a header "Connection"; expected it to be left to the server ("GET" "/0\\n")\n',
    ])
  })

  it('does not write for ever, whatever is found', async () => {
    let lines = 0
    let count = 0
    const application = lint((_environ, startResponse) => {
      startResponse('200 OK', [...TEXT, ['ETag', String(count++)]])
      return null
    })
    const errors = { write: () => lines++, flush() {} }
    for (let each = 0; each < 2000; each++) {
      const one = server()
      one.environ = environOf({ 'tsgi.errors': errors })
      await one.serve(application)
    }
    expect(lines).toBe(1001)
  })

  it('throws errors where it is asked to, and no warnings', async () => {
    const found: LintFinding[] = []
    const { base, errors } = await served(lint(faulty, { throws: true, onFinding: (finding) => found.push(finding) }))
    expect((await fetch(base)).status).toBe(500)
    expect(found.map(({ rule }) => rule)).toEqual(['1.10', '1.6'])
    expect(errors.join()).toContain('rule 1.6')
    expect(found[1]?.stack).toContain('options.test.ts')
  })

  it('leaves out what it is told to', async () => {
    const found: LintFinding[] = []
    await server().serve(lint(faulty, { ignore: ['1.6'], onFinding: (finding) => found.push(finding) }))
    expect(found.map(({ rule }) => rule)).toEqual(['1.10'])
  })

  it('changes nothing of what passes through it', async () => {
    const bodies: [string, Application][] = [
      [
        'read',
        async (environ, startResponse) => {
          startResponse('200 OK', TEXT)
          return [await environ['tsgi.input'].read()]
        },
      ],
      [
        'hello',
        (_environ, startResponse) => {
          startResponse('200 OK', TEXT)
          return Readable.from(['hel', 'lo']) as AsyncIterable<string>
        },
      ],
      [
        'hello',
        (_environ, startResponse) => {
          startResponse('200 OK', TEXT)
          return new Response('hello').body
        },
      ],
    ]
    for (const [text, application] of bodies) {
      const { base, errors } = await served(lint(application, { throws: true }))
      const response = await fetch(base, text === 'read' ? { method: 'POST', body: text } : {})
      expect(await response.text()).toBe(text)
      expect(errors).toEqual([])
    }
  })

  it('passes the lifespan on, and what a server sets', async () => {
    const told: string[] = []
    const inner = answering()
    const linted = lint(inner)
    expect(linted.lifespan).toBeUndefined()
    linted.lifespan = { startup: () => void told.push('up'), shutdown: () => void told.push('down') }
    expect(inner.lifespan).toBeDefined()
    expect(linted.lifespan).toBe(linted.lifespan)
    await linted.lifespan?.startup?.()
    await server().serve(linted)
    await linted.lifespan?.shutdown?.()
    expect(told).toEqual(['up', 'down'])
  })
})

describe('the middleware that comes along keeps the rules on both sides', () => {
  const text = 'words that repeat '.repeat(500)
  const streamed: Application = (environ, startResponse) => {
    startResponse('200 OK', [...TEXT, ['ETag', '"v1"']])
    return (async function* () {
      for await (const chunk of environ['tsgi.input']) yield chunk
      yield text
    })()
  }
  const whole: Application = async (environ, startResponse) => {
    const body = await environ['tsgi.input'].read()
    startResponse('200 OK', [...TEXT, ['Content-Length', String(text.length + body.length)]])
    return [body, text]
  }
  const empty: Application = (_environ, startResponse) => {
    startResponse('204 No Content', [])
    return null
  }
  const written: Application = async (_environ, startResponse) => {
    const write = startResponse('200 OK', TEXT)
    await write(text)
    return createGzip().end()
  }
  const all: [string, () => Middleware][] = [
    ['accessControl', () => accessControl({ allow: ['127.0.0.1'] })],
    ['compress', () => compress()],
    ['dispatcher', () => dispatcher({ '/a': (environ, startResponse) => whole(environ, startResponse) })],
    ['nodeMiddleware', () => nodeMiddleware((_request, _response, next) => next())],
    ['profiler', () => profiler({ directory: temporaryDirectory() })],
    ['proxyFix', () => proxyFix({ xFor: 1 })],
    ['requestId', () => requestId()],
    ['timing', () => timing()],
    ['several', () => compose(requestId(), timing(), compress())],
  ]

  it.each(all)('%s', async (_name, make) => {
    for (const inner of [streamed, whole, empty, written]) {
      const found: string[] = []
      const options = { onFinding: ({ message }: LintFinding) => void found.push(message), closeWithinMs: 60 }
      const { base, errors } = await served(lint(make()(lint(inner, options)), options))
      for (const path of ['/', '/a/b']) {
        await (await fetch(base + path)).arrayBuffer()
        await (await fetch(base + path, { method: 'POST', body: 'body' })).arrayBuffer()
        await fetch(base + path, { method: 'HEAD' })
      }
      await new Promise((resolve) => setTimeout(resolve, 80))
      expect(found).toEqual([])
      expect(errors).toEqual([])
    }
  })
})
