import { DEFAULT_TIMEOUTS } from '../../src/proxy/site.ts'
import type { Site } from '../../src/proxy/site.ts'

/** A site as the launcher makes it for a user who is not root, with what a test changes. */
export function siteIn(serverRoot: string, changes: Partial<Site> = {}): Site {
  return {
    listen: [{ host: '127.0.0.1', port: 8000 }],
    serverName: '127.0.0.1',
    wire: 'fastcgi',
    socketPath: `${serverRoot}/tsgi.sock`,
    mountPoint: '',
    limits: { requestBodyBytes: 10 * 1024 * 1024 },
    timeouts: { ...DEFAULT_TIMEOUTS, shutdownMs: 15_000 },
    logs: { access: { file: `${serverRoot}/access.log` }, error: { file: `${serverRoot}/error.log` }, level: 'info' },
    serverRoot,
    proxy: { version: '1.22.1', without: new Set() },
    proxyWorkers: 2,
    ...changes,
  }
}

/** Option sets that together use every part of the configuration. */
export const OPTION_SETS: Readonly<Record<string, Partial<Site>>> = {
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
    proxy: { version: '1.18.0', without: new Set(['http_scgi_module', 'http_fastcgi_module']) },
  },
}
