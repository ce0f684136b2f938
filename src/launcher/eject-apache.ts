import type { ApacheBuild } from '../proxy/apache/build.ts'
import { render } from '../proxy/apache/directive.ts'
import type { Node } from '../proxy/apache/directive.ts'
import { apacheSnippet } from '../proxy/apache/snippet.ts'
import { argumentsOf } from '../settings/settings-arguments.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import type { EjectedFile, EjectOptions } from './eject.ts'
import { proxyAtHand } from './proxy-at-hand.ts'
import { SAID_BY_PROXY } from './said-by-proxy.ts'
import { shellLine } from './shell-words.ts'
import { siteOf } from './site.ts'
import { blueprintForElsewhere } from './survey.ts'

/** Where no httpd is at hand to ask: what current distributions have, and every module. */
const USUAL_BUILD: ApacheBuild = {
  version: '2.4.57',
  modulesDirectory: '/usr/lib/apache2/modules',
  modules: new Set([
    ...[
      'mpm_event',
      'unixd',
      'log_config',
      'authz_core',
      'unique_id',
      'remoteip',
      'setenvif',
      'headers',
      'reqtimeout',
      'rewrite',
    ],
    ...['mime', 'alias', 'dir', 'autoindex', 'filter', 'deflate', 'socache_shmcb', 'ssl', 'http2'],
    ...['proxy', 'proxy_http', 'proxy_fcgi', 'proxy_uwsgi', 'proxy_scgi'],
  ]),
  builtin: new Set(),
  mapsIpv4: true,
}

/** A file of virtual hosts for an httpd that runs already. */
export async function ejectApache(read: ReadSettings<'start-server'>, { name, server }: EjectOptions): Promise<EjectedFile[]> {
  const { settings } = read
  const build = (await proxyAtHand('apache', settings.proxyExecutable))?.build ?? USUAL_BUILD
  const sources = await blueprintForElsewhere(read, 'apache', settings.serverRoot ?? `/run/${name}`)
  const { nodes, modules, listen } = apacheSnippet(siteOf(sources), build, {
    ownAccessLog: settings.accessLog !== undefined,
    ownErrorLog: settings.errorLog?.type === 'file',
  })
  const serve = (app: string, path: string, more: readonly string[]): Node => ({
    comment: `  ${shellLine([...server, 'serve', app, '--bind', `unix:${path}`, ...more])}`,
  })
  // Every httpd has these: without them it does not run.
  const toEnable = modules.filter((module) => !/^(?:mpm_|unixd$|log_config$|authz_core$)/.test(module))
  const all: Node[] = [
    { comment: `For an Apache httpd that runs already: keep it as /etc/apache2/sites-available/${name}.conf, then type:` },
    { comment: `  a2enmod ${toEnable.join(' ')}` },
    { comment: `  a2ensite ${name} && apachectl configtest && apachectl graceful` },
    { comment: 'It must listen here, once (ports.conf); a second line for one port is an error:' },
    ...listen.map((address): Node => ({ comment: `  Listen ${address}` })),
    { comment: '' },
    { comment: 'The workers are run by themselves (tsgi-express eject systemd --behind-proxy gives the units):' },
    serve(read.app, sources.root.socketPath, argumentsOf(read, 'serve', SAID_HERE)),
    ...settings.mount.map(([url, app], index) => serve(app, sources.root.mountSocketPath(index), ['--mount-point', url])),
    { comment: "httpd's children must be able to reach the sockets: their group, and directories that they may enter." },
    { comment: '' },
    ...nodes,
  ]
  return [{ name: `${name}.conf`, text: render(all) }]
}

/** Variables may be secrets, and whoever runs httpd need not know them. */
const SAID_HERE: ReadonlySet<string> = new Set(['setenv', 'pidFile', ...SAID_BY_PROXY])
