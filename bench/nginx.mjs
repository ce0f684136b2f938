/** One nginx with one worker in front of every backend: a location for each, the same settings for all. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const PARAMS = [
  ['REQUEST_METHOD', '$request_method'],
  ['REQUEST_URI', '$request_uri'],
  ['QUERY_STRING', '$query_string'],
  ['SCRIPT_NAME', '""'],
  ['PATH_INFO', '$document_uri'],
  ['CONTENT_TYPE', '$content_type'],
  ['CONTENT_LENGTH', '$content_length'],
  ['SERVER_PROTOCOL', '$server_protocol'],
  ['SERVER_SOFTWARE', 'nginx/$nginx_version'],
  ['SERVER_NAME', '$server_name'],
  ['SERVER_PORT', '$server_port'],
  ['SERVER_ADDR', '$server_addr'],
  ['REQUEST_SCHEME', '$scheme'],
  ['HTTPS', '$https if_not_empty'],
  ['REMOTE_ADDR', '$remote_addr'],
  ['REMOTE_PORT', '$remote_port'],
  ['HTTP_HOST', '$http_host'],
  ['HTTP_X_FORWARDED_FOR', '$remote_addr'],
  ['HTTP_X_FORWARDED_PROTO', '$scheme'],
  ['HTTP_X_FORWARDED_HOST', '$http_host'],
  ['HTTP_X_FORWARDED_PORT', '$server_port'],
]

const params = (directive) => PARAMS.map(([name, value]) => `      ${directive} ${name} ${value};`).join('\n')

const forwarded = `      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;`

/** How nginx reaches a backend, by the backend's `wire`. HTTP without keep-alive is what `proxy_pass` does by itself. */
const LOCATIONS = {
  fastcgi: (name) => `fastcgi_pass ${name};\n      fastcgi_keep_conn on;\n${params('fastcgi_param')}`,
  uwsgi: (name) => `uwsgi_pass ${name};\n${params('uwsgi_param')}`,
  'http kept alive': (name) =>
    `proxy_pass http://${name};\n${forwarded}\n      proxy_http_version 1.1;\n      proxy_set_header Connection "";`,
  'http closing': (name) => `proxy_pass http://${name};\n${forwarded}`,
}

const KEPT_ALIVE = ['fastcgi', 'http kept alive']

/** The configuration's text. `backends`: `{ name, wire, socket }`. */
export function nginxConfiguration({ folder, port, backends }) {
  const upstreams = backends.map(({ name, wire, socket }) => {
    const keepAlive = KEPT_ALIVE.includes(wire) ? ' keepalive 64; keepalive_requests 1000000;' : ''
    return `  upstream ${name} { server unix:${socket} fail_timeout=0;${keepAlive} }`
  })
  const locations = backends.map(({ name, wire }) => `    location /${name} {\n      ${LOCATIONS[wire](name)}\n    }`)
  return `daemon off;
${process.getuid?.() === 0 ? 'user root root;\n' : ''}worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder};
  scgi_temp_path ${folder};
  keepalive_requests 1000000;
${upstreams.join('\n')}
  server {
    listen 127.0.0.1:${port};
    server_name localhost;
${locations.join('\n')}
  }
}
`
}

export function nginxVersion() {
  const done = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  return done.error === undefined ? done.stderr.trim().replace(/^.*nginx\//, '') : undefined
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Starts nginx; resolves with its address and a function that stops it. */
export async function startNginx(folder, backends) {
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfiguration({ folder, port, backends }))
  const child = spawn('nginx', ['-e', join(folder, 'error.log'), '-c', file, '-p', folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGQUIT')
    await ended
  }
  return { url: `http://127.0.0.1:${port}`, stop, ended }
}
