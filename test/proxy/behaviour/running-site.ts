import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { Site } from '../../../src/proxy/site.ts'
import { serve } from '../../../src/server/serve.ts'
import { findExecutable } from '../../support/requirements.ts'
import { installedApacheText } from '../apache-test.ts'
import { freePort } from '../running-nginx.ts'
import { nginxText, siteIn } from '../sites.ts'
import type { SiteChanges } from '../sites.ts'
import { testedBuild, testedNginx } from '../tested-nginx.ts'

/** A proxy under test: how its configuration is written and how it is run in the foreground. */
export interface ProxyKind {
  readonly name: string
  /** Its program, which a test requires. */
  readonly program: 'nginx' | 'apache2'
  /** Can ask the application who may come in. */
  readonly asksApplication: boolean
  /** A rule in its words that adds `X-Mine: yes` to every response. */
  readonly rule: string
  readonly text: (site: Site) => string
  /** The command line, for a configuration in `root`. */
  readonly command: (root: string, file: string) => [program: string, ...args: string[]]
}

/** httpd does not run as root. */
const OTHER = { user: 'www-data', group: 'www-data' }

/** Every proxy that a site can stand behind. */
export const PROXIES: readonly ProxyKind[] = [
  {
    name: 'nginx',
    program: 'nginx',
    asksApplication: true,
    rule: 'add_header X-Mine yes always;\n',
    text: (site) => nginxText(site, testedBuild()),
    command: (root, file) => [testedNginx(), '-e', join(root, 'error.log'), '-p', root, '-c', file],
  },
  {
    name: 'Apache',
    program: 'apache2',
    asksApplication: false,
    rule: 'Header always set X-Mine yes\n',
    text: installedApacheText,
    command: (_, file) => [findExecutable('apache2') ?? 'apache2', '-DFOREGROUND', '-f', file],
  },
]

/** For what is not done behind the others, or not as yet. */
export const NGINX_ALONE: readonly ProxyKind[] = PROXIES.filter(({ program }) => program === 'nginx')

/** What a site is made from before the proxy runs. */
export interface Place {
  /** Its server root, which is empty but for `temp`. */
  readonly root: string
  readonly port: number
  readonly httpsPort: number
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** By HTTPS, with these options of TLS. */
  readonly secure?: boolean
  readonly tls?: { readonly cert?: Buffer; readonly key?: Buffer; readonly servername?: string }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What `echo` answers. */
export interface Echo {
  /** Which application: its mount point. */
  readonly at: string
  readonly environ: Readonly<Record<string, string>>
}

export interface RunningSite extends Place {
  /** Asks the proxy. The path goes as it is. */
  ask(path: string, options?: AskOptions): Promise<Answer>
  /** The same, where an application answers with what it was told. */
  echo(path: string, options?: AskOptions): Promise<Echo>
  readonly log: () => string
  /** Ends the workers of the first application; the proxy goes on. */
  stopWorkers(): Promise<void>
}

/** The proxy in front of a site whose applications echo, or do what `applications` says for their mount point. Ends with the test. */
export async function startSite(
  kind: ProxyKind,
  siteOf: (place: Place) => SiteChanges,
  applications: Readonly<Record<string, Application>> = {},
): Promise<RunningSite> {
  const root = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  chmodSync(root, 0o755)
  mkdirSync(join(root, 'temp'))
  const place = { root, port: await freePort(), httpsPort: await freePort() }
  const site = siteIn(root, {
    listen: [{ host: '127.0.0.1', port: place.port }],
    // The directory is the test's own, and the proxy's workers must reach the sockets in it.
    ...(process.getuid?.() === 0 ? { runAs: kind.program === 'nginx' ? { user: 'root', group: 'root' } : OTHER } : {}),
    ...siteOf(place),
  })
  const servers = await Promise.all(
    site.applications.map(({ mountPoint, socketPath }) =>
      serve({ application: applications[mountPoint] ?? echo(mountPoint), bind: `unix:${socketPath}`, mountPoint }),
    ),
  )
  for (const { socketPath } of site.applications) chmodSync(socketPath, 0o777)
  const file = join(root, 'proxy.conf')
  writeFileSync(file, kind.text(site))
  const [program, ...args] = kind.command(root, file)
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const log = (): string => stderr + readText(join(root, 'error.log'))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await exited
    await Promise.all(servers.map((server) => server.close()))
    rmSync(root, { recursive: true, force: true })
  })
  const failed = exited.then(() => {
    throw new Error(`${kind.name} ended: ${log()}`)
  })
  failed.catch(() => {})
  // Sockets listen one after the other.
  const ports = [...site.listen, ...(site.tls?.listen ?? [])].map((address) => address.port)
  await Promise.race([Promise.all(ports.map(accepting)), failed])
  const ask: RunningSite['ask'] = (path, options = {}) => send(place, path, options)
  return {
    ...place,
    ask,
    log,
    async echo(path, options) {
      const { status, body } = await ask(path, options)
      if (status !== 200) throw new Error(`${path}: ${status} ${body}`)
      return JSON.parse(body) as Echo
    },
    async stopWorkers() {
      await servers[0]?.close()
    },
  }
}

/** Answers with everything in the environ that is text. */
export function echo(at: string): Application {
  return (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'application/json']])
    const texts = Object.entries(environ).filter(([, value]) => typeof value === 'string')
    return JSON.stringify({ at, environ: Object.fromEntries(texts) })
  }
}

function send({ port, httpsPort }: Place, path: string, options: AskOptions): Promise<Answer> {
  const { secure = false, method = 'GET', headers = {}, body, tls = {} } = options
  return new Promise((resolve, reject) => {
    const common = { host: '127.0.0.1', path, method, headers, agent: false } as const
    const outgoing = secure
      ? httpsRequest({ ...common, port: httpsPort, rejectUnauthorized: false, ...tls })
      : httpRequest({ ...common, port })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks).toString() }),
      )
    })
    outgoing.end(body)
  })
}

async function accepting(port: number): Promise<void> {
  for (;;) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (accepted) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
