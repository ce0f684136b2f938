import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { render } from '../../../src/proxy/nginx/directive.ts'
import { requestHeaders, requestParams } from '../../../src/proxy/nginx/params.ts'
import { clientVariables } from '../../../src/proxy/nginx/trust.ts'
import { findExecutable } from '../../support/requirements.ts'
import type { ProxyAddresses, Upstreams } from './bench.ts'
import { Running } from './running.ts'

/** One nginx before both, that listens on each address. */
export async function startNginx(
  directory: string,
  upstreams: Upstreams,
  { hosts, port }: ProxyAddresses,
  started: (running: Running) => void,
): Promise<void> {
  await mkdir(join(directory, 'temp'))
  const file = join(directory, 'nginx.conf')
  await writeFile(file, nginxConfiguration(directory, upstreams, { hosts, port }))
  const nginx = new Running(
    'nginx',
    spawn(findExecutable('nginx') ?? 'nginx', ['-p', directory, '-e', join(directory, 'error.log'), '-c', file], {
      stdio: 'pipe',
    }),
  )
  started(nginx)
  // Each of them: nginx begins to listen on one after the other.
  await Promise.all(Object.values(hosts).map((host) => nginx.accepts(host, port))).catch(async (error: unknown) => {
    throw new Error(await readFile(join(directory, 'error.log'), 'utf8'), { cause: error })
  })
}

/** What is said to the application is what the launcher's own configuration says. `/live/` passes bytes on as they come. Kept connections are a wire's own. */
function nginxConfiguration(directory: string, upstreams: Upstreams, { hosts, port }: ProxyAddresses): string {
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
  ${['fastcgi', 'uwsgi', 'http'].map((wire) => `upstream ${wire} { server unix:${upstreams.tsgi} fail_timeout=0; keepalive 16; }`).join('\n  ')}
  ${server(hosts.proxied, 'proxy', 'proxy_pass http://node;', proxy)}
  ${server(hosts.http, 'proxy', 'proxy_pass http://http;', proxy)}
  ${server(hosts.fastcgi, 'fastcgi', 'fastcgi_pass fastcgi;', `fastcgi_keep_conn on;\n${render(requestParams('fastcgi', {}, client))}`)}
  ${server(hosts.uwsgi, 'uwsgi', 'uwsgi_pass uwsgi;', render(requestParams('uwsgi', {}, client)))}
}
`
}
