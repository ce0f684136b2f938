import type { ReadSettings } from '../../settings/settings-read.ts'
import type { ApacheBuild } from '../../proxy/apache/build.ts'
import { render as renderApache } from '../../proxy/apache/directive.ts'
import { apacheSnippet } from '../../proxy/apache/snippet.ts'
import type { NginxBuild } from '../../proxy/nginx/build.ts'
import { render as renderNginx } from '../../proxy/nginx/directive.ts'
import { nginxSnippet } from '../../proxy/nginx/snippet.ts'
import type { RemoteWorkers, Site } from '../../proxy/site.ts'
import { siteOf } from '../site.ts'
import { blueprintForElsewhere } from '../survey.ts'
import type { ContainerPlan } from './plan.ts'
import { inImage } from './static-files.ts'
import { PROXY_HTTPS_PORT, PROXY_PORT, SCRATCH, SOCKET_DIRECTORY, SOCKET_PATH } from './plan.ts'

/** What is in the images that the Dockerfile names. */
const NGINX_BUILD: NginxBuild = {
  version: '1.30.0',
  without: new Set(),
  with: new Set(['http_ssl_module', 'http_v2_module', 'http_realip_module', 'http_auth_request_module']),
}

/** `httpd:2.4` has every module of its release. */
const APACHE_MODULES = [
  ...['mpm_event', 'unixd', 'log_config', 'authz_core', 'unique_id', 'remoteip', 'setenvif', 'headers', 'reqtimeout', 'rewrite'],
  ...['mime', 'alias', 'dir', 'autoindex', 'filter', 'deflate', 'socache_shmcb', 'ssl', 'http2'],
  ...['proxy', 'proxy_http', 'proxy_fcgi', 'proxy_uwsgi'],
]

const APACHE_BUILD: ApacheBuild = {
  version: '2.4.66',
  modulesDirectory: '/usr/local/apache2/modules',
  modules: new Set(APACHE_MODULES),
  builtin: new Set(),
  mapsIpv4: true,
}

/** A host that is gone does not even refuse: who is asked instead should not wait long for that, milliseconds. */
const REMOTE_CONNECT_MS = 2000

/** Where certificate and key are in the proxy's container: where Docker and Kubernetes put secrets. */
export const CERTIFICATE_PATH = '/run/secrets/certificate'
export const KEY_PATH = '/run/secrets/key'

/** A file for the image of the proxy, below `proxy/`. */
export interface ProxyFile {
  readonly name: 'nginx.conf' | 'httpd.conf' | 'app.conf'
  readonly text: string
}

/**
 * The configuration of the proxy in its container: one file about the container, one about the site.
 * `remote`: where the workers are, if not behind the shared socket.
 */
export async function proxyFiles(
  read: ReadSettings<'start-server'>,
  plan: ContainerPlan,
  remote: RemoteWorkers | undefined,
): Promise<ProxyFile[]> {
  const site = await siteInContainer(read, plan, remote)
  if (plan.proxy === 'nginx') {
    const snippet = nginxSnippet(site, NGINX_BUILD, { name: 'app', ownAccessLog: false, ownErrorLog: false })
    return [
      { name: 'nginx.conf', text: NGINX_MAIN },
      { name: 'app.conf', text: renderNginx(snippet) },
    ]
  }
  const { nodes, modules, listen } = apacheSnippet(site, APACHE_BUILD, { ownAccessLog: false, ownErrorLog: false })
  return [
    { name: 'httpd.conf', text: apacheMain(modules, listen) },
    { name: 'app.conf', text: renderApache(nodes) },
  ]
}

async function siteInContainer(
  read: ReadSettings<'start-server'>,
  { proxy, tls, directory }: ContainerPlan,
  remote: RemoteWorkers | undefined,
): Promise<Site> {
  const { settings } = read
  const connectTimeout = remote === undefined ? settings.connectTimeout : Math.min(settings.connectTimeout, REMOTE_CONNECT_MS)
  const inside = { ...settings, host: '0.0.0.0', port: PROXY_PORT, connectTimeout }
  const sources = await blueprintForElsewhere({ ...read, settings: inside }, proxy, SOCKET_DIRECTORY)
  const everywhere = (port: number): { host: string; port: number }[] => [{ host: '0.0.0.0', port }]
  const site = siteOf({ ...sources, addresses: everywhere(PROXY_PORT), httpsAddresses: everywhere(PROXY_HTTPS_PORT) })
  const [application] = site.applications
  return {
    ...site,
    files: inImage(site.files, directory),
    applications: [{ ...application, socketPath: SOCKET_PATH, ...(remote === undefined ? {} : { remote }) }],
    ...(site.tls === undefined || tls === undefined
      ? {}
      : { tls: { ...site.tls, certificateFile: CERTIFICATE_PATH, keyFile: KEY_PATH } }),
  }
}

/** What belongs to nginx as a whole. It is not root, and writes nowhere but below /tmp. */
const NGINX_MAIN = `# About the container; the site is in conf.d.
worker_processes auto;
pid ${SCRATCH}/nginx.pid;
error_log /dev/stderr warn;

events {
    worker_connections 4096;
}

http {
    include mime.types;
    default_type application/octet-stream;
    access_log /dev/stdout combined;
    sendfile on;
    tcp_nopush on;

    client_body_temp_path ${SCRATCH}/client-body;
    proxy_temp_path ${SCRATCH}/proxy;
    fastcgi_temp_path ${SCRATCH}/fastcgi;
    uwsgi_temp_path ${SCRATCH}/uwsgi;
    scgi_temp_path ${SCRATCH}/scgi;

    include conf.d/*.conf;
}
`

/** The official image loads them; others, such as Debian's httpd, have them built in and refuse to. */
const BUILT_IN_ELSEWHERE: ReadonlySet<string> = new Set(['unixd', 'log_config'])

function apacheMain(modules: readonly string[], listen: readonly string[]): string {
  const loaded = modules.map((module) => {
    const line = `LoadModule ${module}_module modules/mod_${module}.so`
    return BUILT_IN_ELSEWHERE.has(module) ? `<IfModule !${module}_module>\n    ${line}\n</IfModule>` : line
  })
  // Files are served only where the module is among those.
  const types = modules.includes('mime') ? 'TypesConfig conf/mime.types\n' : ''
  return `# About the container; the site is in app.conf.
ServerRoot /usr/local/apache2
PidFile ${SCRATCH}/httpd.pid
DefaultRuntimeDir ${SCRATCH}
${loaded.join('\n')}
${listen.map((address) => `Listen ${address}`).join('\n')}

ServerName localhost
ServerTokens Prod
ErrorLog /dev/stderr
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog /dev/stdout combined
${types}GracefulShutdownTimeout 30

Include conf/app.conf
`
}
