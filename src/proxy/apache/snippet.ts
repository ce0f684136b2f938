import type { Site } from '../site.ts'
import type { ApacheBuild } from './build.ts'
import { apacheDirectives } from './configuration.ts'
import { directive, from, literal } from './directive.ts'
import type { Comment, Directive, Node } from './directive.ts'

/** What is said in an httpd that somebody else runs, for all of its sites. */
const LEFT_TO_HTTPD: ReadonlySet<string> = new Set([
  'ServerRoot',
  'DefaultRuntimeDir',
  'PidFile',
  'LoadModule',
  'User',
  'Group',
  'ServerLimit',
  'ThreadLimit',
  'ThreadsPerChild',
  'MaxRequestWorkers',
  'StartServers',
  'MinSpareThreads',
  'MaxSpareThreads',
  'AsyncRequestWorkerFactor',
  'GracefulShutdownTimeout',
  'Listen',
  'ListenBackLog',
  'ServerTokens',
  'TraceEnable',
  'TypesConfig',
  'SSLSessionCache',
  // It would deny the files of every other site.
  'Directory',
])

/** How a site is written for an httpd that somebody else runs. */
export interface ApacheSnippetOptions {
  /** The log is the site's, else it is that of that httpd. */
  readonly ownAccessLog: boolean
  readonly ownErrorLog: boolean
}

/** A snippet, and what it needs of that httpd. */
export interface ApacheSnippet {
  readonly nodes: readonly Node[]
  /** Modules: `proxy_fcgi`. */
  readonly modules: readonly string[]
  /** What it must listen on: `127.0.0.1:8000`. */
  readonly listen: readonly string[]
}

/**
 * The virtual hosts of a site for an httpd that runs already. What a whole configuration says once for its one site is said in each
 * of them; httpd finds them by name, so that the names are theirs, too.
 *
 * Throws what `apacheDirectives` throws.
 */
export function apacheSnippet(site: Site, build: ApacheBuild, options: ApacheSnippetOptions): ApacheSnippet {
  const whole = apacheDirectives(site, build)
  const inHosts: Node[] = []
  const hosts: Directive[] = []
  let comments: Comment[] = []
  for (const node of whole) {
    if ('comment' in node) {
      // An empty line ends what is said together.
      comments = node.comment === '' ? [] : [...comments, node]
      continue
    }
    const group = [...comments, node]
    comments = []
    if (node.name === 'VirtualHost') hosts.push(node)
    else if (!LEFT_TO_HTTPD.has(node.name) && !isForeignLog(node, options)) inHosts.push(...group)
  }
  const names = nameDirectives(site)
  const [serverName, common] = [inHosts.filter(isServerName), inHosts.filter((node) => !isServerName(node))]
  return {
    nodes: hosts.flatMap((host) => {
      const own = host.block ?? []
      const first = own.some(isServerName) ? [] : [...serverName, ...names]
      return [{ ...host, block: [...first, ...common, ...own] }, { comment: '' }]
    }),
    modules: whole.flatMap((node) => (isNamed(node, 'LoadModule') ? [String(node.args[0]).replace(/_module$/, '')] : [])),
    listen: whole.flatMap((node) => (isNamed(node, 'Listen') ? [String(node.args[0])] : [])),
  }
}

/** Every other name that is served or led elsewhere. */
function nameDirectives({ hosts }: Site): Directive[] {
  if (hosts === undefined) return []
  const others = [
    ...hosts.names.slice(1),
    ...(hosts.redirected === undefined ? [] : [hosts.redirected]),
    ...(hosts.localhost ? ['localhost', '127.0.0.1'] : []),
  ]
  return others.map((name) => from('server-alias', directive('ServerAlias', literal(name))))
}

function isForeignLog({ name }: Directive, { ownAccessLog, ownErrorLog }: ApacheSnippetOptions): boolean {
  if (name === 'ErrorLog' || name === 'LogLevel') return !ownErrorLog
  return (name === 'CustomLog' || name === 'LogFormat') && !ownAccessLog
}

function isServerName(node: Node): boolean {
  return isNamed(node, 'ServerName')
}

function isNamed(node: Node, name: string): node is Directive {
  return !('comment' in node) && node.name === name
}
