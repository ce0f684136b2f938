import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApaches } from './behind-apache.ts'
import { startNginx } from './behind-nginx.ts'
import type { Target } from './client.ts'
import { Running } from './running.ts'
import type { Stoppable } from './running.ts'
import { waysOf } from './ways.ts'
import type { Proxy, Reference, SuiteWire, WayName } from './ways.ts'

/** The same application twice, once on `node:http` and once on tsgi, and a proxy before both. */
export interface Bench {
  target(name: WayName | Reference): Target
  /** What the processes have written. */
  output(): string
  stop(): Promise<void>
}

export interface BenchOptions {
  /** The application's module, under test/apps. */
  readonly app: string
  /** The module that `node:http` gets, where it is another one. */
  readonly reference?: string
  /** The Node that runs both. */
  readonly node?: string
  /** What is before them. Default: nginx. */
  readonly proxy?: Proxy
}

/** Where a proxy finds the two. */
export interface Upstreams {
  /** Host and port. */
  readonly node: string
  /** Path of the socket. */
  readonly tsgi: string
}

/** Where a proxy listens: for `node:http`, and for each wire to tsgi. */
export interface ProxyAddresses {
  readonly hosts: Readonly<Record<'proxied' | SuiteWire, string>>
  readonly port: number
}

/**
 * Addresses of this host. Each way has its own, on one port: applications say which port they were reached by.
 * All of 127.0.0.0/8 is there on Linux.
 */
const NODE_HOST = '127.0.0.1'
const TSGI_HOST = '127.0.0.2'
const HOSTS = { proxied: '127.0.0.1', fastcgi: '127.0.0.2', uwsgi: '127.0.0.3', http: '127.0.0.4' } as const
/** See `Target.digit`. */
const DIGITS = { proxied: 0, fastcgi: 2, uwsgi: 3, http: 4 } as const

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url))

const APPS = join(CHECKOUT, 'test/apps')
const COMMAND = join(CHECKOUT, 'dist/cli/tsgi.js')
/** How Node reads TypeScript with decorators and their metadata. */
const LOADER = ['--import', import.meta.resolve('@oxc-node/core/register')]

/** Starts everything; what did start is stopped where something does not. */
export async function startBench(options: BenchOptions): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'tsgi-suite-'))
  const processes: Stoppable[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((running) => running.stop()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const { proxy = 'nginx' } = options
    const [directPort = 0, proxyPort = 0] = await freePorts(2)
    const socketPath = join(directory, 'tsgi.sock')
    const node = options.node ?? process.execPath
    const app = join(APPS, options.app)
    const reference = join(APPS, options.reference ?? options.app)
    const start = (name: string, args: readonly string[]): Running => {
      const cwd = join(APPS, options.app.replace(/\/.*/, ''))
      const running = new Running(name, spawn(node, args, { cwd, stdio: 'pipe', env: environment(directPort) }))
      processes.push(running)
      return running
    }
    const onNode = [
      ...(reference.endsWith('.ts') ? LOADER : []),
      fileURLToPath(new URL('on-node.mjs', import.meta.url)),
      reference,
    ]
    const onTsgi = [COMMAND, 'serve', app, '--processes', '1', '--log-level', 'error']
    const binds = ['--bind', `${TSGI_HOST}:${directPort}`, '--bind', `unix:${socketPath}`]
    await Promise.all([
      start('node:http', onNode).accepts(NODE_HOST, directPort),
      start('tsgi', [...onTsgi, ...binds]).says(/^Ready/m),
    ])
    // httpd's workers are another user than the test, where that is root.
    await Promise.all([chmod(directory, 0o755), chmod(socketPath, 0o777)])
    const startProxy = proxy === 'nginx' ? startNginx : startApaches
    const upstreams = { node: `${NODE_HOST}:${directPort}`, tsgi: socketPath }
    await startProxy(directory, upstreams, { hosts: HOSTS, port: proxyPort }, (running) => processes.push(running))
    const targets = new Map<WayName | Reference, Target>([
      [`behind ${proxy}`, { host: HOSTS.proxied, port: proxyPort, digit: DIGITS.proxied }],
      ['directly', { host: NODE_HOST, port: directPort, digit: 1 }],
      ...waysOf(proxy).map(({ name, wire }): [WayName, Target] => [
        name,
        wire === undefined
          ? { host: TSGI_HOST, port: directPort, digit: 5 }
          : { host: HOSTS[wire], port: proxyPort, digit: DIGITS[wire] },
      ]),
    ])
    return {
      target: (name) => {
        const target = targets.get(name)
        if (target === undefined) throw new Error(`nothing is reached ${name}`)
        return target
      },
      output: () => processes.map((running) => running.output()).join(''),
      stop,
    }
  } catch (error) {
    const output = processes.map((running) => running.output()).join('')
    await stop()
    throw new Error(`${String(error)}\n${output}`, { cause: error })
  }
}

function environment(port: number): NodeJS.ProcessEnv {
  // What people set where it runs; error pages have no stack then, which is not the same on two servers.
  return { ...process.env, NODE_ENV: 'production', PORT: String(port), NODE_OPTIONS: '', TZ: 'UTC' }
}

/** Ports that were free a moment ago, no two the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer()
      return new Promise<typeof server>((resolve, reject) => {
        server.on('error', reject)
        server.listen(0, NODE_HOST, () => resolve(server))
      })
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
