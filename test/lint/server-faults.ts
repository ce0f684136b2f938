import type { Application, Chunk, Environ, ResponseBody, StartResponse } from '../../src/index.ts'
import type { RuleId } from '../../src/middleware/lint/index.ts'
import { answering, duplex, emptyInput, environOf, inputOf, server, TEXT } from './faulty-server.ts'
import type { Server } from './faulty-server.ts'

/** What the applications here return. */
type ClosableBody = Iterable<Chunk> & { close?: () => unknown }

/** A fault of a server, which is found, and nothing else is. */
export interface ServerFault {
  readonly rule: RuleId
  readonly fault: string
  readonly make: (one: Server) => void
  readonly application?: Application
}

/** The server with other variables. */
function variables(values: Record<string, unknown>): (one: Server) => void {
  return (one) => {
    one.environ = environOf(values)
  }
}

function without(name: string): (one: Server) => void {
  return (one) => {
    Reflect.deleteProperty(one.environ, name)
  }
}

function serving(serve: (body: ClosableBody, one: Server) => unknown): (one: Server) => void {
  return (one) => {
    one.serve = async (application) => {
      const body = await application(one.environ, one.startResponse)
      await serve(body as ClosableBody, one)
    }
  }
}

export const readsAll = answering((environ) => environ['tsgi.input'].read())

function input(values: Partial<Environ['tsgi.input']>, length?: string): (one: Server) => void {
  return variables({
    'tsgi.input': { ...emptyInput(), [Symbol.asyncIterator]: emptyInput()[Symbol.asyncIterator], ...values },
    ...(length === undefined ? {} : { CONTENT_LENGTH: length }),
  })
}

export const late: Application = async (_environ, startResponse) => {
  await startResponse('200 OK', TEXT)('begun')
  startResponse('500 Internal Server Error', TEXT, [new Error('late')])
  return null
}

export const SERVER_FAULTS: readonly ServerFault[] = [
  {
    rule: '2.1',
    fault: 'an environ of a class',
    make: (one) => {
      one.environ = Object.assign(new (class Environment {})(), one.environ)
    },
  },
  {
    rule: '2.1',
    fault: 'an environ that is none',
    make: (one) => {
      one.environ = 'environ' as unknown as Environ
    },
    application: answering(),
  },
  {
    rule: '2.1',
    fault: 'a frozen environ',
    make: (one) => {
      one.environ = Object.freeze(one.environ)
    },
  },
  {
    rule: '2.1',
    fault: 'one environ for two requests',
    make: (one) => {
      const { serve: once, environ } = one
      one.serve = async (application) => {
        await once(application)
        const { environ: _spent, ...other } = server()
        await other.serve.call(other, (_environ, startResponse) => application(environ, startResponse))
      }
    },
  },
  { rule: '2.2', fault: 'a path that is not decoded', make: variables({ REQUEST_URI: '/a%20b', PATH_INFO: '/a%20b' }) },
  {
    rule: '2.4',
    fault: 'more than CONTENT_LENGTH',
    make: variables({ CONTENT_LENGTH: '4', 'tsgi.input': inputOf(Buffer.from('hello')) }),
    application: readsAll,
  },
  {
    rule: '2.4',
    fault: 'less than CONTENT_LENGTH',
    make: variables({ CONTENT_LENGTH: '6', 'tsgi.input': inputOf(Buffer.from('hello')) }),
    application: answering(async (environ) => {
      for await (const _ of environ['tsgi.input']);
    }),
  },
  { rule: '2.5', fault: 'a signal that is none', make: variables({ 'tsgi.signal': { aborted: false } }) },
  {
    rule: '2.7',
    fault: 'no close()',
    make: serving(async (body, one) => {
      for (const chunk of body) one.sent.push(chunk)
    }),
  },
  {
    rule: '2.7',
    fault: 'no close() of a body that is given up',
    make: serving(async (body) => {
      for (const _ of body) break
    }),
  },
  {
    rule: '2.7',
    fault: 'no close() when the client has left',
    make: (one) => {
      const controller = new AbortController()
      one.environ = environOf({ 'tsgi.signal': controller.signal })
      one.serve = async (application) => {
        await application(one.environ, one.startResponse)
        controller.abort()
      }
    },
  },
  {
    rule: '2.7',
    fault: 'close() twice',
    make: serving(async (body, one) => {
      for (const chunk of body) one.sent.push(chunk)
      await body.close?.()
      await body.close?.()
    }),
  },
  {
    rule: '2.8',
    fault: 'three arguments',
    make: (one) => {
      one.serve = async (application) => {
        const { serve: send } = server()
        await send((environ, startResponse) => (application as (...args: unknown[]) => ResponseBody)(environ, startResponse, 3))
      }
    },
  },
  {
    rule: '2.8',
    fault: 'no startResponse',
    make: (one) => {
      one.startResponse = undefined as unknown as StartResponse
    },
    application: (_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      return null
    },
  },
  ...[
    ...['REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'REQUEST_URI', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL'],
    ...['version', 'url_scheme', 'input', 'errors', 'multithread', 'multiprocess', 'run_once', 'file_wrapper'].map(
      (name) => `tsgi.${name}`,
    ),
    ...['tsgi.signal', 'tsgi.request_id'],
  ].map((name) => ({ rule: '2.9' as const, fault: `no ${name}`, make: without(name) })),
  { rule: '2.10', fault: 'no QUERY_STRING', make: without('QUERY_STRING') },
  ...[
    'HTTP_CONTENT_TYPE',
    'HTTP_CONTENT_LENGTH',
    'HTTP_PROXY',
    'HTTP_CONNECTION',
    'HTTP_KEEP_ALIVE',
    'HTTP_TE',
    'HTTP_TRANSFER_ENCODING',
  ].map((name) => ({ rule: '2.11' as const, fault: name, make: variables({ [name]: 'x' }) })),
  ...[null, undefined, 1, ['a']].map((value) => ({
    rule: '2.12' as const,
    fault: `${JSON.stringify(value)} as a header`,
    make: variables({ HTTP_X: value }),
  })),
  { rule: '2.12', fault: 'a list as QUERY_STRING', make: variables({ QUERY_STRING: ['a'] }) },
  ...['1.0', [1], [1, '0'], 1].map((version) => ({
    rule: '2.13' as const,
    fault: `the version ${JSON.stringify(version)}`,
    make: variables({ 'tsgi.version': version }),
  })),
  ...['HTTPS', 'ws', ''].map((scheme) => ({
    rule: '2.14' as const,
    fault: `the scheme ${JSON.stringify(scheme)}`,
    make: variables({ 'tsgi.url_scheme': scheme }),
  })),
  ...['', '-1', '1.5', '0x1'].map((length) => ({
    rule: '2.15' as const,
    fault: `the length ${JSON.stringify(length)}`,
    make: variables({ CONTENT_LENGTH: length }),
  })),
  ...['/', '/a/', 'a'].map((SCRIPT_NAME) => ({
    rule: '2.16' as const,
    fault: `SCRIPT_NAME ${SCRIPT_NAME}`,
    make: variables({ SCRIPT_NAME }),
  })),
  { rule: '2.17', fault: 'a path without a slash', make: variables({ PATH_INFO: 'a' }) },
  { rule: '2.17', fault: 'no path at all', make: variables({ PATH_INFO: '' }) },
  ...['', 'GE T', 'GET\n'].map((REQUEST_METHOD) => ({
    rule: '2.18' as const,
    fault: `the method ${JSON.stringify(REQUEST_METHOD)}`,
    make: variables({ REQUEST_METHOD }),
  })),
  { rule: '2.19', fault: 'a method that nobody knows', make: variables({ REQUEST_METHOD: 'BREW' }) },
  ...(['read', 'readline', 'readlines', Symbol.asyncIterator] as const).map((name) => ({
    rule: '2.20' as const,
    fault: `an input without ${String(name)}`,
    make: input({ [name]: undefined }),
  })),
  {
    rule: '2.21',
    fault: 'text from read()',
    make: input({ read: async () => 'text' as unknown as Uint8Array }),
    application: answering((environ) => environ['tsgi.input'].read(4)),
  },
  {
    rule: '2.21',
    fault: 'more than was asked for',
    make: input({ read: async () => Buffer.from('hello') }),
    application: answering((environ) => environ['tsgi.input'].read(4)),
  },
  {
    rule: '2.21',
    fault: 'bytes behind the end',
    make: input({ read: async () => Buffer.from('hello') }),
    application: answering(async (environ) => {
      await environ['tsgi.input'].read()
      await environ['tsgi.input'].read()
    }),
  },
  {
    rule: '2.21',
    fault: 'two lines as one',
    make: input({ readline: async () => Buffer.from('a\nb\n') }),
    application: answering((environ) => environ['tsgi.input'].readline()),
  },
  {
    rule: '2.21',
    fault: 'lines that are none',
    make: input({ readlines: async () => [Buffer.from('a\nb\n')] }),
    application: answering((environ) => environ['tsgi.input'].readlines()),
  },
  {
    rule: '2.21',
    fault: 'text from the iterator',
    make: input({
      async *[Symbol.asyncIterator]() {
        yield 'text' as unknown as Uint8Array
      },
    }),
    application: answering(async (environ) => {
      for await (const _ of environ['tsgi.input']);
    }),
  },
  { rule: '2.22', fault: 'no errors.write', make: variables({ 'tsgi.errors': { flush() {} } }) },
  { rule: '2.22', fault: 'no errors.flush', make: variables({ 'tsgi.errors': { write() {} } }) },
  ...['tsgi.multithread', 'tsgi.multiprocess', 'tsgi.run_once'].map((name) => ({
    rule: '2.23' as const,
    fault: `0 as ${name}`,
    make: variables({ [name]: 0 }),
  })),
  { rule: '2.23', fault: 'no function as file_wrapper', make: variables({ 'tsgi.file_wrapper': {} }) },
  { rule: '2.23', fault: 'an empty request_id', make: variables({ 'tsgi.request_id': '' }) },
  { rule: '2.24', fault: 'an empty SERVER_NAME', make: variables({ SERVER_NAME: '' }) },
  { rule: '2.24', fault: 'an empty SERVER_PORT', make: variables({ SERVER_PORT: '' }) },
  {
    rule: '2.25',
    fault: 'nothing from startResponse',
    make: (one) => {
      one.startResponse = (() => undefined) as unknown as StartResponse
    },
  },
  {
    rule: '2.25',
    fault: 'nothing from write()',
    make: (one) => {
      one.startResponse = () => (() => undefined) as unknown as ReturnType<StartResponse>
    },
    application: async (_environ, startResponse) => {
      await startResponse('200 OK', TEXT)('hello')
      return null
    },
  },
  {
    rule: '2.26',
    fault: 'excInfo taken when the head is sent',
    make: (one) => {
      one.startResponse = () => async () => {}
    },
    application: late,
  },
  {
    rule: '2.26',
    fault: 'excInfo thrown again when nothing was sent',
    make: (one) => {
      one.startResponse = (_status, _headers, excInfo) => {
        if (excInfo instanceof Error) throw excInfo
        return async () => {}
      }
    },
    application: (_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      startResponse('500 Internal Server Error', TEXT, new Error('in time'))
      return 'sorry'
    },
  },
  {
    rule: '2.27',
    fault: 'the body iterated twice',
    make: serving(async (body, one) => {
      for (const chunk of body) one.sent.push(chunk)
      Reflect.get(body, Symbol.iterator)?.call(body)
      await body.close?.()
    }),
  },
  {
    rule: '2.27',
    fault: 'a chunk asked for behind the end',
    make: serving(async (body) => {
      const iterator = body[Symbol.iterator]()
      for (let count = 0; count < 4; count++) iterator.next()
      await body.close?.()
    }),
  },
  {
    rule: '2.27',
    fault: 'a chunk asked for behind close()',
    make: serving(async (body) => {
      const iterator = body[Symbol.iterator]()
      iterator.next()
      await body.close?.()
      iterator.next()
    }),
  },
  {
    rule: '2.27',
    fault: 'two chunks asked for at the same time',
    make: serving(async (body) => {
      // The application's is asynchronous.
      const iterator = (body as unknown as AsyncIterable<string>)[Symbol.asyncIterator]()
      await Promise.all([iterator.next(), iterator.next()])
      await body.close?.()
    }),
    application: (_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      return (async function* () {
        yield 'one'
        yield 'two'
      })()
    },
  },
  { rule: '3.1', fault: 'tsgi.upgrade that is no function', make: variables({ HTTP_UPGRADE: 'echo', 'tsgi.upgrade': true }) },
  { rule: '3.1', fault: 'tsgi.upgrade that nobody has asked for', make: variables({ 'tsgi.upgrade': duplex }) },
  {
    rule: '3.2',
    fault: 'an upgrade to nothing',
    make: variables({ HTTP_UPGRADE: 'echo', 'tsgi.upgrade': () => ({}) }),
    application: (environ) => {
      environ['tsgi.upgrade']?.()
      return null
    },
  },
  {
    rule: '5.2',
    fault: 'a request before the startup',
    make() {},
    application: Object.assign(answering(), { lifespan: { startup() {} } }),
  },
  {
    rule: '5.2',
    fault: 'a request while the startup goes on',
    make: (one) => {
      const { serve: send } = one
      one.serve = async (application) => {
        const started = application.lifespan?.startup?.()
        await send(application)
        await started
      }
    },
    application: Object.assign(answering(), { lifespan: { startup: () => new Promise(setImmediate) } }),
  },
  {
    rule: '5.2',
    fault: 'two startups',
    make: (one) => {
      one.serve = async (application) => {
        await application.lifespan?.startup?.()
        await application.lifespan?.startup?.()
      }
    },
    application: Object.assign(answering(), { lifespan: { startup() {} } }),
  },
  ...[
    ['a shutdown without a startup', 'down'],
    ['two shutdowns', 'up down down'],
  ].map(([fault = '', steps = '']) => ({
    rule: '5.4' as const,
    fault,
    make: (one: Server) => {
      one.serve = async (application) => {
        for (const step of steps.split(' ')) await application.lifespan?.[step === 'up' ? 'startup' : 'shutdown']?.()
      }
    },
    application: Object.assign(answering(), { lifespan: { startup() {}, shutdown() {} } }),
  })),
  {
    rule: '5.4',
    fault: 'a request behind the shutdown',
    make: (one) => {
      const { serve: send } = one
      one.serve = async (application) => {
        await application.lifespan?.startup?.()
        await application.lifespan?.shutdown?.()
        await send(application)
      }
    },
    application: Object.assign(answering(), { lifespan: { startup() {}, shutdown() {} } }),
  },
]
