import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { render } from '../../../src/proxy/nginx/directive.ts'
import { requestHeaders, requestParams } from '../../../src/proxy/nginx/params.ts'
import { clientVariables } from '../../../src/proxy/nginx/trust.ts'
import { findExecutable } from '../../support/requirements.ts'
import type { Target } from './client.ts'
import type { WayName } from './ways.ts'

/** The same application twice, once on `node:http` and once on tsgi, and an nginx before both. */
export interface Bench {
  readonly targets: Readonly<Record<WayName | 'behind nginx' | 'directly', Target>>
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
}

/**
 * Addresses of this host. Each way has its own, on one port: applications say which port they were reached by.
 * All of 127.0.0.0/8 is there on Linux.
 */
const NODE_HOST = '127.0.0.1'
const TSGI_HOST = '127.0.0.2'
const HOSTS = { proxied: '127.0.0.1', fastcgi: '127.0.0.2', uwsgi: '127.0.0.3', http: '127.0.0.4' } as const
const STOP_PATIENCE_MS = 5000
const START_PATIENCE_MS = 30_000

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url))

const APPS = join(CHECKOUT, 'test/apps')
const COMMAND = join(CHECKOUT, 'dist/cli/tsgi.js')
/** How Node reads TypeScript with decorators and their metadata. */
const LOADER = ['--import', import.meta.resolve('@oxc-node/core/register')]

/** Starts everything; what did start is stopped where something does not. */
export async function startBench(options: BenchOptions): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'tsgi-suite-'))
  const processes: Running[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((running) => running.stop()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const [directPort = 0, nginxPort = 0] = await freePorts(2)
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
    const upstreams = { node: `${NODE_HOST}:${directPort}`, tsgi: `unix:${socketPath}` }
    await mkdir(join(directory, 'temp'))
    const file = join(directory, 'nginx.conf')
    await writeFile(file, nginxConfiguration(directory, upstreams, nginxPort))
    const nginx = new Running(
      'nginx',
      spawn(findExecutable('nginx') ?? 'nginx', ['-p', directory, '-e', join(directory, 'error.log'), '-c', file], {
        stdio: 'pipe',
      }),
    )
    processes.push(nginx)
    // Each of them: nginx begins to listen on one after the other.
    await Promise.all(Object.values(HOSTS).map((host) => nginx.accepts(host, nginxPort))).catch(async (error: unknown) => {
      throw new Error(await readFile(join(directory, 'error.log'), 'utf8'), { cause: error })
    })
    const at = (host: string, port: number, digit: number): Target => ({ host, port, digit })
    return {
      targets: {
        'behind nginx': at(HOSTS.proxied, nginxPort, 0),
        directly: at(NODE_HOST, directPort, 1),
        FastCGI: at(HOSTS.fastcgi, nginxPort, 2),
        uwsgi: at(HOSTS.uwsgi, nginxPort, 3),
        HTTP: at(HOSTS.http, nginxPort, 4),
        'embedded HTTP': at(TSGI_HOST, directPort, 5),
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

/** A process of the bench, and what it has written. */
class Running {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<string>
  #output = ''
  #gone = false

  constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    const keep = (chunk: Buffer): void => {
      this.#output += chunk.toString()
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(`${name} ended with ${code ?? signal}`))
      child.once('error', (error) => resolve(error.message))
    })
    void this.#exited.then(() => {
      this.#gone = true
    })
  }

  output(): string {
    return this.#output === '' ? '' : `--- ${this.#name}\n${this.#output}`
  }

  /** Resolves when the process has said so. */
  async says(what: RegExp): Promise<void> {
    await this.#until(async () => what.test(this.#output), `does not say ${what}`)
  }

  /** Resolves when something accepts on the port. */
  async accepts(host: string, port: number): Promise<void> {
    await this.#until(() => accepting(host, port), `does not accept on ${host}:${port}`)
  }

  async #until(condition: () => Promise<boolean>, problem: string): Promise<void> {
    const deadline = performance.now() + START_PATIENCE_MS
    while (!(await condition())) {
      if (this.#gone) throw new Error(await this.#exited)
      if (performance.now() > deadline) throw new Error(`${this.#name} ${problem}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async stop(): Promise<void> {
    if (this.#gone) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_PATIENCE_MS)
    await this.#exited
    clearTimeout(timer)
  }
}

/** What is said to the application is what the launcher's own configuration says. `/live/` passes bytes on as they come. Kept connections are a wire's own. */
function nginxConfiguration(directory: string, upstreams: { node: string; tsgi: string }, port: number): string {
  const spools = (['proxy', 'fastcgi', 'uwsgi', 'scgi'] as const).map(
    (module) => `${module}_temp_path ${directory}/temp/${module};`,
  )
  const server = (host: string, module: 'proxy' | 'fastcgi' | 'uwsgi', pass: string, settings: string): string => `
  server {
    listen ${host}:${port};
    server_name tsgi.test;
    client_max_body_size 0;
    ${settings}
    # A request that was given up is not sent again: how often would depend on the connection it came over.
    ${module}_next_upstream off;
    ${module}_buffer_size 32k;
    ${module}_buffers 16 32k;
    ${module}_busy_buffers_size 64k;
    location / { ${pass} }
    location /live/ {
      ${module}_request_buffering off;
      ${module}_buffering off;
      ${pass}
    }
  }`
  const client = clientVariables(undefined)
  const proxy = `proxy_http_version 1.1;\nproxy_redirect off;\n${render(requestHeaders({}, client))}`
  return `daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log error;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 512; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path ${directory}/temp/body;
  ${spools.join('\n  ')}
  map $http_upgrade $tsgi_upgrade { default $http_upgrade; "" ""; h2c ""; }
  map $tsgi_upgrade $tsgi_connection { default upgrade; "" ""; }
  map $http_host $tsgi_host { default $http_host; "" $server_name; }
  upstream node { server ${upstreams.node} fail_timeout=0; keepalive 16; }
  ${['fastcgi', 'uwsgi', 'http'].map((wire) => `upstream ${wire} { server ${upstreams.tsgi} fail_timeout=0; keepalive 16; }`).join('\n  ')}
  ${server(HOSTS.proxied, 'proxy', 'proxy_pass http://node;', proxy)}
  ${server(HOSTS.http, 'proxy', 'proxy_pass http://http;', proxy)}
  ${server(HOSTS.fastcgi, 'fastcgi', 'fastcgi_pass fastcgi;', `fastcgi_keep_conn on;\n${render(requestParams('fastcgi', {}, client))}`)}
  ${server(HOSTS.uwsgi, 'uwsgi', 'uwsgi_pass uwsgi;', render(requestParams('uwsgi', {}, client)))}
}
`
}

function accepting(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
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
