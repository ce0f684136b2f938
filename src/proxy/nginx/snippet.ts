import type { Site } from '../site.ts'
import type { NginxBuild } from './build.ts'
import { nginxDirectives } from './configuration.ts'
import type { Argument, Comment, Directive, Entry, Node } from './directive.ts'

/** How a site is written for an nginx that somebody else runs. */
export interface SnippetOptions {
  /** Goes before the names of upstreams and variables, so that two snippets do not meet: `tsgi_NAME_workers`. Letters, digits, `_`. */
  readonly name: string
  /** The log is the site's, else it is that of that nginx. */
  readonly ownAccessLog: boolean
  readonly ownErrorLog: boolean
}

/** What belongs to the whole of that nginx, and is said there. */
const LEFT_TO_NGINX = /_temp_path$|_hash_|^(?:types|include|default_type|aio|sendfile|tcp_nopush|tcp_nodelay)$/

/** What stands beside servers and concerns nobody who does not name it. */
const BESIDE = /^(?:upstream|map|geo|log_format|split_clients)$|_zone$/

/**
 * The part of a site's configuration that goes into the `http` block of an nginx that runs already: what its servers refer to, then
 * the servers. What a whole configuration says once for its one site is said in each server here.
 *
 * Throws what `nginxDirectives` throws.
 */
export function nginxSnippet(site: Site, build: NginxBuild, { name, ownAccessLog, ownErrorLog }: SnippetOptions): Node[] {
  const whole = nginxDirectives(site, build)
  const errorLog = ownErrorLog ? whole.filter((node) => isDirective(node) && node.name === 'error_log') : []
  const http = whole.filter(isDirective).find((node) => node.name === 'http')?.block ?? []
  const beside: Node[] = []
  const inServers: Node[] = [...errorLog]
  const servers: (Comment | Directive)[] = []
  let comments: Comment[] = []
  for (const node of http) {
    if (!isDirective(node)) {
      if ('comment' in node) comments.push(node)
      continue
    }
    // A comment goes where what it is about goes.
    const group = [...comments, node]
    comments = []
    const directive: string = node.name
    if (directive === 'server') servers.push(...group)
    else if (LEFT_TO_NGINX.test(directive) || (!ownAccessLog && isAboutAccessLog(node))) continue
    else (BESIDE.test(directive) ? beside : inServers).push(...group)
  }
  const own = withoutOthers(servers).map((node) =>
    isDirective(node) ? { ...node, block: [...inServers, ...(node.block ?? [])] } : node,
  )
  return [...beside, ...own].map((node) => renamed(node, `tsgi_${name}_`))
}

/** A server without a name refuses whoever asks for another one: here that may be for somebody else. The next one has its sockets. */
function withoutOthers(servers: readonly (Comment | Directive)[]): (Comment | Directive)[] {
  const first = servers.findIndex(isDirective)
  const refusing = servers[first]
  if (refusing === undefined || !isDirective(refusing) || hasDirective(refusing, 'server_name')) return [...servers]
  const listens = (refusing.block ?? []).filter((node) => isDirective(node) && node.name === 'listen')
  const [next, ...others] = servers.slice(first + 1).filter((node) => isDirective(node) || node.comment !== '')
  if (next === undefined || !isDirective(next)) return [...servers]
  const rest = (next.block ?? []).filter((node) => !isDirective(node) || node.name !== 'listen')
  return [{ ...next, block: [...listens, ...rest] }, ...others]
}

function hasDirective({ block = [] }: Directive, name: string): boolean {
  return block.some((node) => isDirective(node) && node.name === name)
}

function isDirective(node: Node): node is Directive {
  return 'name' in node
}

/** The log itself, its format, and the variable that says what is logged. */
function isAboutAccessLog({ name, args }: Directive): boolean {
  const declared = args.at(-1)
  return (
    name === 'access_log' ||
    name === 'log_format' ||
    (name === 'map' && typeof declared === 'object' && 'variable' in declared && declared.variable === 'tsgi_logged')
  )
}

/** Names that regular expressions in the text give to what they find: they stay what they are, and are the same in every snippet. */
const CAPTURED = /^tsgi_told_/

/** Every name of ours with another beginning, apart from the variable that stands for a dollar, which is the same everywhere. */
function renamed(node: Node, prefix: string): Node {
  if ('comment' in node) return node
  if ('key' in node) {
    return { key: renamedArgument(node.key, prefix), value: renamedArgument(node.value, prefix) } satisfies Entry
  }
  const passed = node.name === 'proxy_pass' ? node.args.map((argument) => renamedUpstream(argument, prefix)) : node.args
  return {
    ...node,
    args: passed.map((argument) => renamedArgument(argument, prefix)),
    ...(node.block === undefined ? {} : { block: node.block.map((each) => renamed(each, prefix)) }),
  }
}

/** An upstream's name in an address. What comes from outside has an address of its own there. */
function renamedUpstream(argument: Argument, prefix: string): Argument {
  if (typeof argument !== 'object') return argument
  if ('literal' in argument) return { literal: argument.literal.replace(/^http:\/\/tsgi_(?=workers|fresh)/, `http://${prefix}`) }
  // Only literals and variables are joined, and each stays what it is.
  return 'variable' in argument ? argument : (argument.map((part) => renamedUpstream(part, prefix)) as typeof argument)
}

function renamedArgument(argument: Argument, prefix: string): Argument {
  if (typeof argument === 'number') return argument
  // The name of a location, `@tsgi_x`, is its server's own.
  if (typeof argument === 'string') return argument.replace(/(?<![\w.@])tsgi_/g, prefix)
  if ('literal' in argument) return argument
  if ('variable' in argument) {
    const { variable } = argument
    return variable === 'tsgi_dollar' || CAPTURED.test(variable) ? argument : { variable: variable.replace(/^tsgi_/, prefix) }
  }
  // As above.
  return argument.map((part) => renamedArgument(part, prefix)) as typeof argument
}
