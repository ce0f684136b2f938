import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { render } from '../../src/proxy/nginx/directive.ts'
import { requestHeaders } from '../../src/proxy/nginx/params.ts'
import { clientVariables } from '../../src/proxy/nginx/trust.ts'
import type { Wire } from '../../src/proxy/site.ts'
import { findExecutable } from './requirements.ts'

export interface NginxOptions {
  wire: Wire
  /** The socket of the server behind it. */
  socketPath: string
  /** `fastcgi_keep_conn`; off is one connection a request. Default on. */
  keepConn?: boolean
  /** Whether nginx reads a whole request body, or as much of a response as fits, ahead of the other side. Default on. */
  requestBuffering?: boolean
  buffering?: boolean
  /** More lines for the `location`. */
  location?: readonly string[]
}

export interface RunningNginx {
  port: number
  pid: number
  /** What nginx has written to its error log. */
  errorLog(): Promise<string>
  stop(): Promise<void>
}

/** What an application is told, in place of a distribution's file of parameters. */
const PARAMS = [
  'REQUEST_URI $request_uri',
  'REQUEST_METHOD $request_method',
  'QUERY_STRING $query_string',
  'SCRIPT_NAME ""',
  'PATH_INFO $document_uri',
  'CONTENT_TYPE $content_type',
  'CONTENT_LENGTH $content_length',
  'SERVER_PROTOCOL $server_protocol',
  'REQUEST_SCHEME $scheme',
  'HTTPS $https if_not_empty',
  'REMOTE_ADDR $remote_addr',
  'REMOTE_PORT $remote_port',
  'SERVER_NAME $server_name',
  'SERVER_PORT $server_port',
]

/** Over SCGI nginx says the length by itself, and the version not. */
function paramsFor(wire: NginxOptions['wire']): string[] {
  return wire === 'scgi' ? ['SCGI 1', ...PARAMS.filter((param) => !param.startsWith('CONTENT_LENGTH'))] : [...PARAMS]
}

/** Ports that were free a moment ago may be taken by then. */
const ATTEMPTS = 5

/** Runs a private nginx in the foreground, everything it writes in a directory of its own, until `stop`. */
export async function startNginx(options: NginxOptions): Promise<RunningNginx> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options, await freePort())
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

async function startOnce(options: NginxOptions, port: number): Promise<RunningNginx> {
  const executable = findExecutable('nginx')
  if (executable === undefined) throw new Error('nginx is not installed')
  const directory = await mkdtemp(join(tmpdir(), 'tsgi-nginx-'))
  await mkdir(join(directory, 'temp'))
  const configuration = join(directory, 'nginx.conf')
  const errorLog = join(directory, 'error.log')
  await writeFile(configuration, nginxConfiguration(options, directory, port))
  const child = spawn(executable, ['-p', directory, '-e', errorLog, '-c', configuration], { stdio: 'ignore' })
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`nginx ended with ${code ?? signal}`))
    child.once('error', (error) => resolve(error.message))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.race([accepts(port, child), exited.then((how) => Promise.reject(new Error(how)))])
  } catch (error) {
    const log = await readFile(errorLog, 'utf8').catch(() => '')
    await stop()
    throw new Error(`${String(error)}\n${log}`, { cause: error })
  }
  return { port, pid: child.pid ?? 0, errorLog: () => readFile(errorLog, 'utf8'), stop }
}

function nginxConfiguration(options: NginxOptions, directory: string, port: number): string {
  const { wire, socketPath, keepConn = true, requestBuffering = true, buffering = true, location = [] } = options
  const module = wire === 'http' ? 'proxy' : wire
  return `
daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log info;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path ${directory}/temp/body;
  proxy_temp_path ${directory}/temp/proxy;
  fastcgi_temp_path ${directory}/temp/fastcgi;
  uwsgi_temp_path ${directory}/temp/uwsgi;
  scgi_temp_path ${directory}/temp/scgi;
  map $http_upgrade $tsgi_upgrade { default $http_upgrade; "" ""; h2c ""; }
  map $tsgi_upgrade $tsgi_connection { default upgrade; "" ""; }
  map $http_host $tsgi_host { default $http_host; "" $server_name; }
  upstream application { server unix:${socketPath} fail_timeout=0; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    server_name tsgi.test;
    location / {
${(wire === 'http' ? [] : paramsFor(wire)).map((param) => `      ${wire}_param ${param};`).join('\n')}
      ${wire === 'http' ? render(requestHeaders({}, clientVariables(undefined))) : ''}
      ${wire === 'fastcgi' ? `fastcgi_keep_conn ${keepConn ? 'on' : 'off'};` : ''}
      ${wire === 'http' ? 'proxy_http_version 1.1; proxy_redirect off;' : ''}
      ${module}_buffer_size 32k;
      ${module}_buffers 16 32k;
      ${module}_busy_buffers_size 64k;
      ${module}_request_buffering ${requestBuffering ? 'on' : 'off'};
      ${module}_buffering ${buffering ? 'on' : 'off'};
      ${location.join('\n      ')}
      ${module}_pass ${wire === 'http' ? 'http://' : ''}application;
    }
  }
}
`
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolve(address.port)
      })
    })
  })
}

/** Resolves when something answers on the port; a refused connection is tried again while the proxy runs. */
export function accepts(port: number, child: ChildProcess, host = '127.0.0.1'): Promise<void> {
  return new Promise((resolve) => {
    const attempt = (): void => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const socket = connect(port, host)
      socket.once('connect', () => {
        socket.destroy()
        resolve()
      })
      socket.once('error', () => setTimeout(attempt, 10))
    }
    attempt()
  })
}
