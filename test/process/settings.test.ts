import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../src/settings/settings-table.ts'
import { addSettings } from '../../src/settings/settings-options.ts'
import { resolveEach, resolveSettings } from '../../src/settings/settings.ts'
import type { CommandName, Settings } from '../../src/settings/settings.ts'

/** What a command line and an environment give. `rest`: the arguments that are no options. */
function parse<C extends CommandName>(
  command: C,
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { settings: Settings<C>; rest: string[]; options: Record<string, unknown> } {
  const program = addSettings(
    new Command()
      .argument('[args...]')
      .exitOverride()
      .configureOutput({ writeErr: () => {} }),
    command,
  )
  program.parse(argv, { from: 'user' })
  return { settings: resolveSettings(program.opts(), environment, command), rest: program.args, options: program.opts() }
}

const start = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Settings<'start-server'> =>
  parse('start-server', argv, environment).settings
const serve = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Settings<'serve'> =>
  parse('serve', argv, environment).settings

describe('settings', () => {
  it('have their defaults', () => {
    expect(start([])).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      serverType: 'auto',
      wire: 'fastcgi',
      proxyExecutable: undefined,
      serverRoot: undefined,
      interface: 'auto',
      mountPoint: '',
      setenv: [],
      envFile: [],
      processes: 1,
      startupTimeout: 15_000,
      gracefulTimeout: 15_000,
      drainDelay: 0,
      minProcesses: undefined,
      maxRequests: 0,
      maxRequestsJitter: 0,
      workerLifetime: 0,
      workerMaxRss: 0,
      requestTimeout: 60_000,
      workerConcurrency: 0,
      queueTimeout: 10_000,
      heartbeatTimeout: 30_000,
      pidFile: undefined,
      limitRequestBody: 10_485_760,
      logLevel: 'info',
      logToTerminal: false,
      config: undefined,
      checkConfig: false,
      printConfig: undefined,
      accessLog: undefined,
      accessLogFormat: 'combined',
      errorLog: undefined,
      logFormat: 'text',
      maxLogSize: undefined,
      rotateLogs: undefined,
      logSyslogTo: { type: 'dgram', path: '/dev/log' },
      logSyslogFacility: 'user',
      logSyslogPrefix: 'tsgi',
    })
    expect(serve([])).toMatchObject({
      bind: [{ type: 'tcp', host: '127.0.0.1', port: 8000 }],
      protocol: 'auto',
      socketMode: 0o660,
    })
  })

  it('come from the command line, then the environment, then the default', () => {
    expect(start(['--port', '1'], { TSGI_PORT: '2' }).port).toBe(1)
    expect(start([], { TSGI_PORT: '2' }).port).toBe(2)
    expect(start([], { TSGI_PORT: '' }).port).toBe(8000)
    const { options } = parse('start-server', ['--port', '1'])
    const resolved = resolveEach({ commandLine: options, environment: { TSGI_WIRE: 'uwsgi' } }, 'start-server')
    const source = (wanted: string): string | undefined => resolved.find(({ key }) => key === wanted)?.source
    expect(['port', 'wire', 'host'].map(source)).toEqual(['command line', 'TSGI_WIRE', 'default'])
  })

  it('take the number of processes under each of its names', () => {
    expect(serve(['--workers', '3']).processes).toBe(3)
    expect(serve(['--processes', '3']).processes).toBe(3)
    expect(start(['--processes', 'auto']).processes).toBe(availableParallelism())
    expect(serve([], { WEB_CONCURRENCY: '4' }).processes).toBe(4)
    expect(serve([], { WEB_CONCURRENCY: '4', TSGI_PROCESSES: '5' }).processes).toBe(5)
    expect(() => serve(['--workers', '1', '--processes', '2'])).toThrow('--workers and --processes are one setting')
  })

  it('read durations in milliseconds', () => {
    const ms = (text: string): number => start(['--startup-timeout', text]).startupTimeout
    expect(['2s', '500ms', '5m', '1h', '1.5', '30', '1d'].map(ms)).toEqual([
      2000, 500, 300_000, 3_600_000, 1500, 30_000, 86_400_000,
    ])
  })

  it('read sizes in bytes, all units powers of 1024', () => {
    const bytes = (text: string): number => start(['--limit-request-body', text]).limitRequestBody
    expect(['10MB', '64k', '1GiB', '0', '123', '1.5m', '7b'].map(bytes)).toEqual([
      10_485_760, 65_536, 1_073_741_824, 0, 123, 1_572_864, 7,
    ])
  })

  it('read pairs of two arguments, wherever the application stands', () => {
    const { settings, rest } = parse('serve', ['--setenv', 'A', '1 2', 'wsgi.ts', '--setenv', 'B=x=y', '--setenv', 'C', '--port'])
    expect(settings.setenv).toEqual([
      ['A', '1 2'],
      ['B', 'x=y'],
      ['C', '--port'],
    ])
    expect(rest).toEqual(['wsgi.ts'])
    expect(serve([], { TSGI_SETENV: 'A=1\nB=2 3\n' }).setenv).toEqual([
      ['A', '1'],
      ['B', '2 3'],
    ])
    expect(parse('serve', ['--pid-file', '--setenv', '--', '--setenv', 'A', 'B'])).toMatchObject({
      settings: { pidFile: '--setenv', setenv: [] },
      rest: ['--setenv', 'A', 'B'],
    })
  })

  it('read lists of addresses', () => {
    const binds = [
      { type: 'unix', path: '/run/a.sock' },
      { type: 'tcp', host: '::1', port: 9 },
      { type: 'fd', fd: 3 },
    ]
    expect(serve(['--bind', 'unix:/run/a.sock', '--bind', '[::1]:9', '--bind', 'fd://3']).bind).toEqual(binds)
    expect(serve([], { TSGI_BIND: 'unix:/run/a.sock, [::1]:9 fd://3' }).bind).toEqual(binds)
  })

  it('read mount points, and nothing that a URL path would mean differently', () => {
    const mount = (text: string): string => start(['--mount-point', text]).mountPoint
    expect(['/', '/a', '/a/', '/a/b-c.d'].map(mount)).toEqual(['', '/a', '/a', '/a/b-c.d'])
    for (const bad of ['a', '', '//', '/a//b', '/../a', '/a/.', '/a?b', '/a%2Fb', '/a b', '/a\nb', '/a\\b']) {
      expect(() => mount(bad), bad).toThrow(/--mount-point is/)
    }
  })

  it('read switches from both sides', () => {
    expect(start(['--log-to-terminal']).logToTerminal).toBe(true)
    expect(start([], { TSGI_LOG_TO_TERMINAL: 'yes' }).logToTerminal).toBe(true)
    expect(start(['--no-log-to-terminal'], { TSGI_LOG_TO_TERMINAL: '1' }).logToTerminal).toBe(false)
  })

  it('refuse what they do not take, naming where it came from', () => {
    const refusals: [argv: string[], environment: Record<string, string>, message: string][] = [
      [['--port', '65536'], {}, '--port is "65536", but takes an integer from 0 to 65535'],
      [['--port', '+1'], {}, '--port is "+1"'],
      [[], { TSGI_PORT: '1e3' }, 'TSGI_PORT is "1e3"'],
      [[], { WEB_CONCURRENCY: '0' }, 'WEB_CONCURRENCY is "0", but takes auto, or an integer from 1 to 1024'],
      [['--wire', 'ajp'], {}, '--wire is "ajp", but takes fastcgi, uwsgi, scgi or http'],
      [['--startup-timeout', '5 parsecs'], {}, '--startup-timeout is "5 parsecs", but takes a duration such as'],
      [['--startup-timeout', '1ms'], {}, 'from 100ms to 24d'],
      [['--graceful-timeout', '25d'], {}, '--graceful-timeout is "25d"'],
      [['--limit-request-body', '10XB'], {}, '--limit-request-body is "10XB", but takes a size such as'],
      [['--setenv', '1A', 'x'], {}, '--setenv is "1A x", but takes the name of a variable and its value'],
      [['--setenv', 'A'], {}, '--setenv is "A"'],
      [[], { TSGI_LOG_TO_TERMINAL: 'maybe' }, 'TSGI_LOG_TO_TERMINAL is "maybe"'],
      [['--host', 'a b'], {}, '--host is "a b"'],
      [['--host', '[a'], {}, '--host is "[a"'],
      [['--pid-file', ''], {}, '--pid-file is ""'],
    ]
    for (const [argv, environment, message] of refusals) {
      expect(() => start(argv, environment)).toThrow(
        expect.objectContaining({ code: 'TSGI_ERR_OPTION', message: expect.stringContaining(message) }),
      )
    }
    expect(() => serve(['--socket-mode', '888'])).toThrow('--socket-mode is "888", but takes an octal file mode such as 660')
    expect(() => serve(['--bind', 'x'])).toThrow(expect.objectContaining({ code: 'TSGI_ERR_BIND_INVALID' }))
  })

  it('are refused by a command that does not take them, with the nearest name', () => {
    expect(() => parse('serve', ['--port', '1'])).toThrow('unknown option')
    expect(() => parse('start-server', ['--serve-type', 'nginx'])).toThrow('(Did you mean --server-type?)')
  })

  it('have help, a theme and a command each', () => {
    for (const [key, row] of Object.entries(SETTINGS)) {
      expect(row.help, key).toMatch(/^[A-Z].*[^.]$/)
      expect(row.theme, key).not.toBe('')
      expect(row.commands.length, key).toBeGreaterThan(0)
    }
  })
})
