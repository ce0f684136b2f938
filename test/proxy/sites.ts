import { mkdirSync, writeFileSync } from 'node:fs'

import { nginxConfiguration } from '../../src/proxy/nginx/configuration.ts'
import type { NginxBuild } from '../../src/proxy/nginx/build.ts'
import type { ProxyTimeouts, Site, Wire } from '../../src/proxy/site.ts'
import { makeCertificate } from '../support/certificates.ts'

/** The waits of a start without options. */
export const DEFAULT_TIMEOUTS: Omit<ProxyTimeouts, 'shutdownMs'> = {
  headerMs: 15_000,
  bodyMs: 30_000,
  sendMs: 60_000,
  keepAliveMs: 65_000,
  connectMs: 15_000,
  readMs: 60_000,
  upgradeReadMs: 3_600_000,
  otherReadMs: 60_000,
}

/** What a test changes; the first two are of the first application. */
export type SiteChanges = Partial<Site> & { readonly mountPoint?: string; readonly socketPath?: string }

/** Debian 12's. */
export const NGINX_BUILD: NginxBuild = {
  version: '1.22.1',
  without: new Set(),
  with: new Set(['http_ssl_module', 'http_v2_module', 'http_realip_module', 'http_auth_request_module']),
}

/** The configuration for nginx; Debian 12's where no other is named. */
export function nginxText(site: Site, build: NginxBuild = NGINX_BUILD): string {
  return nginxConfiguration(site, build)
}

/** A site as the launcher makes it for a user who is not root, with what a test changes. */
export function siteIn(
  serverRoot: string,
  { mountPoint = '', socketPath = `${serverRoot}/tsgi.sock`, ...changes }: SiteChanges = {},
): Site {
  return {
    listen: [{ host: '127.0.0.1', port: 8000 }],
    serverName: '127.0.0.1',
    wire: 'fastcgi',
    applications: [{ mountPoint, socketPath, option: 'mount-point' }],
    files: { aliases: [], directoryListing: false },
    proxyMounts: [],
    proxyHosts: [],
    errorDocuments: [],
    errorOverride: false,
    compress: false,
    slowClients: {},
    includeFiles: [],
    limits: { requestBodyBytes: 10 * 1024 * 1024 },
    timeouts: { ...DEFAULT_TIMEOUTS, shutdownMs: 15_000 },
    logs: {
      access: { file: `${serverRoot}/access.log` },
      error: { file: `${serverRoot}/error.log` },
      failures: `${serverRoot}/tsgi-failures.log`,
      level: 'info',
    },
    serverRoot,
    pidPath: `${serverRoot}/nginx.pid`,
    proxyWorkers: 2,
    ...changes,
  }
}

/** Option sets that together use every part of the configuration. */
export const OPTION_SETS: Readonly<Record<string, SiteChanges>> = {
  fastcgi: {},
  'uwsgi-mounted': { wire: 'uwsgi', mountPoint: '/app/v1', limits: { requestBodyBytes: 0 } },
  'http-ipv6-terminal': {
    wire: 'http',
    listen: [
      { host: '::1', port: 8443 },
      { host: '127.0.0.1', port: 8443 },
    ],
    serverName: '[::1]',
    logs: { access: 'terminal', error: 'terminal', level: 'debug' },
  },
  'fastcgi-mounted-root': {
    mountPoint: '/my app',
    listen: [{ host: '::', port: 80 }],
    serverName: 'localhost',
    runAs: { user: 'www-data', group: 'www-data' },
    timeouts: { ...DEFAULT_TIMEOUTS, shutdownMs: 1500 },
    proxyWorkers: 8,
  },
  'uwsgi-small-build': {
    wire: 'uwsgi',
  },
}

/** Everything that a site may have, on each wire; the files in it are made by `makeFiles`. */
export function fullSite(directory: string, wire: Wire, more: SiteChanges = {}): Site {
  return siteIn(directory, {
    wire,
    tls: {
      listen: [{ host: '127.0.0.1', port: 8443 }],
      certificateFile: `${directory}/server.pem`,
      keyFile: `${directory}/server.key`,
      http2: true,
      only: true,
      hstsPolicy: 'max-age=31536000; includeSubDomains',
      clients: { caFile: `${directory}/ca.pem`, urls: ['/inside/'] },
      environment: wire !== 'http',
    },
    serverName: 'www.example.test',
    hosts: { names: ['www.example.test', '*.apps.example.test'], redirected: 'example.test', localhost: true },
    backlog: 1000,
    applications: [
      { mountPoint: '', socketPath: `${directory}/tsgi.sock`, option: 'mount-point' },
      { mountPoint: '/shop', socketPath: `${directory}/mount-1.sock`, option: 'mount' },
      { mountPoint: '/shop/admin', socketPath: `${directory}/mount-2.sock`, option: 'mount' },
    ],
    files: {
      documentRoot: `${directory}/public`,
      aliases: [
        { url: '/static', path: `${directory}/assets`, kind: 'directory' },
        { url: '/favicon.ico', path: `${directory}/icon.ico`, kind: 'file' },
      ],
      directoryIndex: 'index.html',
      directoryListing: true,
    },
    proxyMounts: [{ url: '/other', backend: 'http://127.0.0.1:9000/x' }],
    proxyHosts: [{ host: 'other.example.test', backend: 'http://127.0.0.1:9000/' }],
    trust: { networks: ['10.0.0.0/8', '::1'], header: 'X-Forwarded-For' },
    authentication: { url: '/auth', exempt: ['/login', '/static', '/errors'] },
    maintenance: { page: `${directory}/closed.html`, flag: `${directory}/maintenance`, retryAfterS: 30, probeToken: 'a-token' },
    errorDocuments: [{ code: 404, url: '/errors/404.html' }],
    errorOverride: true,
    compress: true,
    limits: { requestBodyBytes: 1024 * 1024, clients: 2000 },
    includeFiles: [`${directory}/mine.conf`],
    ...more,
  })
}

/** The files that such a site names. */
export function makeFiles(directory: string): void {
  for (const folder of ['temp', 'public', 'assets']) mkdirSync(`${directory}/${folder}`, { recursive: true })
  makeCertificate(directory, 'server', { name: 'www.example.test' })
  makeCertificate(directory, 'ca', { name: 'Authority', authority: true })
  for (const file of ['icon.ico', 'closed.html', 'mine.conf']) writeFileSync(`${directory}/${file}`, '')
}

/** The builds for which the sets above differ from Debian's. */
export const BUILDS: Readonly<Record<string, NginxBuild>> = {
  'uwsgi-small-build': { version: '1.18.0', without: new Set(['http_scgi_module', 'http_fastcgi_module']), with: new Set() },
}
