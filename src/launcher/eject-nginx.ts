import type { NginxBuild } from '../proxy/nginx/build.ts'
import { render } from '../proxy/nginx/directive.ts'
import type { Node } from '../proxy/nginx/directive.ts'
import { nginxSnippet } from '../proxy/nginx/snippet.ts'
import { argumentsOf } from '../settings/settings-arguments.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import type { EjectedFile, EjectOptions } from './eject.ts'
import { proxyAtHand } from './proxy-at-hand.ts'
import { SAID_BY_PROXY } from './said-by-proxy.ts'
import { shellLine } from './shell-words.ts'
import { siteOf } from './site.ts'
import { blueprintForElsewhere } from './survey.ts'

/** Where no nginx is at hand to ask: what current distributions have. */
const USUAL_BUILD: NginxBuild = {
  version: '1.22.0',
  without: new Set(),
  with: new Set(['http_ssl_module', 'http_v2_module', 'http_realip_module', 'http_auth_request_module']),
}

/** A file for `conf.d` of an nginx that runs already. */
export async function ejectNginx(read: ReadSettings<'start-server'>, { name, server }: EjectOptions): Promise<EjectedFile[]> {
  const build = (await proxyAtHand('nginx', read.settings.proxyExecutable))?.build ?? USUAL_BUILD
  const { settings } = read
  const sources = await blueprintForElsewhere(read, 'nginx', settings.serverRoot ?? `/run/${name}`)
  const site = siteOf(sources)
  const socket = (path: string): string[] => ['--bind', `unix:${path}`]
  const serve = (app: string, path: string, more: readonly string[]): Node => ({
    comment: `  ${shellLine([...server, 'serve', app, ...socket(path), ...more])}`,
  })
  const nodes: Node[] = [
    { comment: `For the http block of an nginx that runs already: keep it as /etc/nginx/conf.d/${name}.conf,` },
    { comment: 'then type: nginx -t && nginx -s reload' },
    { comment: '' },
    { comment: 'The workers are run by themselves (tsgi-express eject systemd --behind-proxy gives the units):' },
    serve(read.app, sources.root.socketPath, argumentsOf(read, 'serve', SAID_HERE)),
    ...settings.mount.map(([url, app], index) => serve(app, sources.root.mountSocketPath(index), ['--mount-point', url])),
    { comment: "nginx's workers must be able to reach the sockets: their group, and directories that they may enter." },
    { comment: '' },
    ...nginxSnippet(site, build, {
      name: name.replaceAll('-', '_'),
      ownAccessLog: settings.accessLog !== undefined,
      ownErrorLog: settings.errorLog?.type === 'file',
    }),
  ]
  return [{ name: `${name}.conf`, text: render(nodes) }]
}

/** Variables may be secrets, and whoever runs nginx need not know them. */
const SAID_HERE: ReadonlySet<string> = new Set(['setenv', 'pidFile', ...SAID_BY_PROXY])
