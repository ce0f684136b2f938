import { vi } from 'vitest'
import type { Application, Environ, ResponseBody } from '../../src/index.ts'
import type { RuleId } from '../../src/middleware/lint/index.ts'
import { TEXT, untyped } from './faulty-server.ts'

/** Behind the real server: a fault of an application, which is found, and nothing else is. */
export interface ApplicationFault {
  readonly rule: RuleId
  readonly fault: string
  readonly application: Application
  readonly method?: string
  readonly body?: string
  readonly upgrade?: true
}

function heading(status: string, headers: readonly unknown[], body: ResponseBody = null): Application {
  return untyped((_environ, startResponse) => {
    startResponse(status, headers)
    return body
  })
}

function reading(read: (input: Environ['tsgi.input']) => unknown): Application {
  return async (environ, startResponse) => {
    await read(environ['tsgi.input'])
    startResponse('200 OK', TEXT)
    return 'read'
  }
}

export const APPLICATION_FAULTS: readonly ApplicationFault[] = [
  {
    rule: '1.2',
    fault: 'returns without startResponse',
    application: () => 'hello',
  },
  { rule: '1.2', fault: 'returns null without startResponse', application: () => null },
  {
    rule: '1.2',
    fault: 'yields before startResponse',
    application: (_environ, startResponse) =>
      (async function* () {
        yield 'too early'
        startResponse('200 OK', TEXT)
      })(),
  },
  {
    rule: '1.2',
    fault: 'yields nothing and never calls startResponse',
    application: () => (async function* () {})(),
  },
  {
    rule: '1.2',
    fault: 'calls startResponse twice',
    application: (_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      try {
        startResponse('404 Not Found', TEXT)
      } catch {
        // As an application that wants to go on.
      }
      return 'hello'
    },
  },
  {
    rule: '1.3',
    fault: 'goes on behind an error that was thrown again',
    application: async (_environ, startResponse) => {
      await startResponse('200 OK', TEXT)('begun')
      try {
        startResponse('500 Internal Server Error', TEXT, [new Error('late')])
      } catch {
        // Which it must not.
      }
      return ' and on'
    },
  },
  ...([12, true, undefined, new Date(0), {}, Symbol('s')] as const).map((value) => ({
    rule: '1.5' as const,
    fault: `returns ${typeof value === 'object' ? value.constructor.name : String(value)}`,
    application: untyped((_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      return value
    }),
  })),
  { rule: '1.5', fault: 'returns a list with a number', application: heading('200 OK', TEXT, ['a', 1] as unknown as string[]) },
  {
    rule: '1.5',
    fault: 'yields null',
    application: heading('200 OK', TEXT, new Set([null]) as unknown as Set<string>),
  },
  {
    rule: '1.5',
    fault: 'writes a number',
    application: untyped(async (_environ, startResponse) => {
      await startResponse('200 OK', TEXT)(1).catch(() => {})
      return null
    }),
  },
  ...['Connection', 'Keep-Alive', 'Transfer-Encoding', 'TE', 'Trailer', 'Upgrade', 'Status', 'Proxy-Authenticate'].map(
    (name) => ({
      rule: '1.6' as const,
      fault: `sends ${name}`,
      application: heading('200 OK', [...TEXT, [name, 'x']], 'hello'),
    }),
  ),
  {
    rule: '1.7',
    fault: 'writes when it has returned',
    application: (_environ, startResponse) => {
      const write = startResponse('200 OK', TEXT)
      return (async function* () {
        await write('late')
        yield 'in time'
      })()
    },
  },
  {
    rule: '1.8',
    fault: 'gives startResponse four arguments',
    application: untyped((_environ, startResponse) => {
      startResponse('200 OK', TEXT, null, 'more')
      return 'hello'
    }),
  },
  ...['OK', '99 Low', '101 Switching Protocols', '600 High', '200OK', '2000 OK', '200 O\nK', '', '200 \u20ac'].map((status) => ({
    rule: '1.9' as const,
    fault: `has the status ${JSON.stringify(status)}`,
    application: heading(status, TEXT, 'hello'),
  })),
  {
    rule: '1.9',
    fault: 'has the status 200 as a number',
    application: untyped((_environ, startResponse) => {
      startResponse(200, TEXT)
      return 'hello'
    }),
  },
  { rule: '1.10', fault: 'gives no reason', application: heading('200', TEXT, 'hello') },
  { rule: '1.10', fault: 'gives an empty reason', application: heading('200 ', TEXT, 'hello') },
  {
    rule: '1.11',
    fault: 'gives headers as an object',
    application: untyped((_environ, startResponse) => {
      startResponse('200 OK', { 'Content-Type': 'text/plain' })
      return null
    }),
  },
  { rule: '1.11', fault: 'gives a triple', application: heading('200 OK', [...TEXT, ['A', 'b', 'c']]) },
  { rule: '1.11', fault: 'gives a number as a value', application: heading('200 OK', [...TEXT, ['Age', 1]]) },
  { rule: '1.11', fault: 'gives a line', application: heading('200 OK', [...TEXT, 'A: b']) },
  ...['', 'a b', 'a:', 'a\r\nb', 'ä'].map((name) => ({
    rule: '1.12' as const,
    fault: `has the header name ${JSON.stringify(name)}`,
    application: heading('200 OK', [...TEXT, [name, 'x']]),
  })),
  ...['a\r\nSet-Cookie: b', 'a\nb', 'a\0', '\u20ac', '\x7f'].map((value) => ({
    rule: '1.13' as const,
    fault: `has the header value ${JSON.stringify(value)}`,
    application: heading('200 OK', [...TEXT, ['X-A', value]]),
  })),
  { rule: '1.14', fault: 'has a body without a type', application: heading('200 OK', [], 'hello') },
  { rule: '1.14', fault: 'yields a body without a type', application: heading('404 Not Found', [], new Set(['', 'hello'])) },
  { rule: '1.15', fault: 'has a type with 204', application: heading('204 No Content', TEXT) },
  { rule: '1.15', fault: 'has a type with 304', application: heading('304 Not Modified', TEXT) },
  { rule: '1.16', fault: 'has a body with 204', application: heading('204 No Content', [], 'hello') },
  { rule: '1.16', fault: 'has a body with 304', application: heading('304 Not Modified', [], new Set(['hello'])) },
  ...['Allow', 'Content-Encoding', 'Content-Language', 'Content-MD5', 'Content-Range'].map((name) => ({
    rule: '1.17' as const,
    fault: `sends ${name} with 304`,
    application: heading('304 Not Modified', [[name, 'x']]),
  })),
  ...['5.0', '-1', '+5', '', '5, 5', '0x5'].map((length) => ({
    rule: '1.18' as const,
    fault: `has the length ${JSON.stringify(length)}`,
    application: heading('200 OK', [...TEXT, ['Content-Length', length]], 'hello'),
  })),
  {
    rule: '1.18',
    fault: 'has two lengths',
    application: heading('200 OK', [...TEXT, ['Content-Length', '5'], ['content-length', '5']], 'hello'),
  },
  { rule: '1.18', fault: 'has a length with 204', application: heading('204 No Content', [['Content-Length', '0']]) },
  { rule: '1.19', fault: 'sends too little', application: heading('200 OK', [...TEXT, ['Content-Length', '6']], 'hello') },
  { rule: '1.19', fault: 'sends nothing', application: heading('200 OK', [...TEXT, ['Content-Length', '6']]) },
  { rule: '1.19', fault: 'counts characters', application: heading('200 OK', [...TEXT, ['Content-Length', '1']], 'é') },
  {
    rule: '1.19',
    fault: 'yields too much',
    application: heading('200 OK', [...TEXT, ['Content-Length', '4']], new Set(['hel', 'lo', 'world'])),
  },
  {
    rule: '1.19',
    fault: 'writes too little',
    application: async (_environ, startResponse) => {
      await startResponse('200 OK', [...TEXT, ['Content-Length', '10']])('hel')
      return 'lo'
    },
  },
  ...['abc', "'abc'", 'w/"abc"', '"a"b"', '"abc'].map((etag) => ({
    rule: '1.20' as const,
    fault: `has the ETag ${etag}`,
    application: heading('200 OK', [...TEXT, ['ETag', etag]], 'hello'),
  })),
  ...['Content-Type', 'Location', 'Date'].map((name) => ({
    rule: '1.21' as const,
    fault: `sends ${name} twice`,
    application: heading(
      '200 OK',
      [
        [name, 'x'],
        [name.toLowerCase(), 'y'],
      ],
      null,
    ),
  })),
  ...[[], [new Error('a'), 'b', 'c'], 'error', {}].map((excInfo) => ({
    rule: '1.22' as const,
    fault: `gives ${JSON.stringify(excInfo)} as excInfo`,
    application: untyped((_environ, startResponse) => {
      startResponse('500 Internal Server Error', TEXT, excInfo)
      return 'sorry'
    }),
  })),
  { rule: '1.23', fault: 'reads by text', application: reading((input) => input.read('5' as unknown as number)), body: 'hello' },
  { rule: '1.23', fault: 'reads a fraction', application: reading((input) => input.readline(1.5)), body: 'hello' },
  { rule: '1.23', fault: 'reads less than nothing', application: reading((input) => input.read(-1)), body: 'hello' },
  {
    rule: '1.23',
    fault: 'gives readlines two arguments',
    application: reading((input) => (input.readlines as (...args: number[]) => unknown)(1, 2)),
    body: 'hello',
  },
  {
    rule: '1.24',
    fault: 'reads twice at the same time',
    application: reading((input) => Promise.allSettled([input.read(5), input.read(1)])),
    body: 'hello',
  },
  {
    rule: '1.24',
    fault: 'reads while it iterates',
    application: reading(async (input) => {
      const next = input[Symbol.asyncIterator]().next()
      await Promise.allSettled([next, input.readline()])
    }),
    body: 'hello',
  },
  ...(['close', 'destroy'] as const).map((method) => ({
    rule: '1.25' as const,
    fault: `calls ${method}() of tsgi.input`,
    application: reading((input) => (input as unknown as Record<typeof method, () => void>)[method]()),
  })),
  ...[[Buffer.from('bytes')], [], ['a', 'b']].map((args) => ({
    rule: '1.26' as const,
    fault: `writes ${args.length} of ${typeof args[0]} to tsgi.errors`,
    application: untyped((environ, startResponse) => {
      // As JavaScript sees it. Nothing of the test must end up in its output.
      const errors = environ['tsgi.errors'] as unknown as { write(...texts: unknown[]): void }
      const silence = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      errors.write(...args)
      silence.mockRestore()
      startResponse('200 OK', TEXT)
      return 'hello'
    }),
  })),
  {
    rule: '1.26',
    fault: 'closes tsgi.errors',
    application: untyped((environ, startResponse) => {
      ;(environ['tsgi.errors'] as unknown as { close(): void }).close()
      startResponse('200 OK', TEXT)
      return 'hello'
    }),
  },
  {
    rule: '1.27',
    fault: 'has a close that is no function',
    application: heading('200 OK', TEXT, Object.assign(new Set(['a']), { close: true }) as unknown as Set<string>),
  },
  {
    rule: '3.4',
    fault: 'takes the connection over twice',
    upgrade: true,
    application: (environ) => {
      const socket = environ['tsgi.upgrade']?.()
      try {
        environ['tsgi.upgrade']?.()
      } catch {
        // The server refuses it, too.
      }
      socket?.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return null
    },
  },
  {
    rule: '3.4',
    fault: 'takes the connection over behind startResponse',
    upgrade: true,
    application: (environ, startResponse) => {
      startResponse('200 OK', TEXT)
      try {
        environ['tsgi.upgrade']?.()
      } catch {
        // The server refuses it, too.
      }
      return 'hello'
    },
  },
  {
    rule: '3.8',
    fault: 'calls startResponse behind an upgrade',
    upgrade: true,
    application: (environ, startResponse) => {
      environ['tsgi.upgrade']?.().end('HTTP/1.1 403 Forbidden\r\n\r\n')
      startResponse('200 OK', TEXT)
      return null
    },
  },
]
