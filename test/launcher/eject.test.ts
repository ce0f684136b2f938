import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'

import { execWord, settingWord } from '../../src/launcher/systemd-unit.ts'
import { makeCertificate } from '../support/certificates.ts'
import { findExecutable, requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { express, freePort, TSGI } from './commands.ts'
import { get } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = `export default (request, response) => response.end([NAME, request.method, request.url, request.headers.host].join(' '))\n`

/** A process that ends with the test. */
function background(program: string, args: readonly string[], cwd: string): { output: () => string } {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise((resolve) => child.once('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  return { output: () => output }
}

/** What Debian's nginx.conf says, in a directory of the test's. */
function debianConfiguration(directory: string): string {
  const path = join(directory, 'nginx.conf')
  mkdirSync(join(directory, 'conf.d'))
  writeFileSync(
    path,
    `user www-data;
worker_processes auto;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
daemon off;
events { worker_connections 768; }
http {
	sendfile on;
	tcp_nopush on;
	types_hash_max_size 2048;
	server_tokens off;
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_prefer_server_ciphers on;
	access_log ${directory}/access.log;
	gzip on;
	include ${directory}/conf.d/*.conf;
}
`,
  )
  return path
}

requires('nginx', 'dist', 'root').describe('eject nginx', () => {
  it('gives a snippet for an nginx that runs already, which serves beside a second one', async () => {
    const directory = temporaryDirectory()
    const configuration = debianConfiguration(directory)
    const urls = new Map<string, string>()
    for (const name of ['one', 'two-b']) {
      const place = join(directory, name)
      mkdirSync(place)
      writeFileSync(join(place, 'app.mjs'), APP.replace('NAME', JSON.stringify(name)))
      const port = await freePort()
      const options = [
        '--port',
        String(port),
        '--server-root',
        place,
        '--mount-point',
        '/at',
        '--wire',
        name === 'one' ? 'fastcgi' : 'http',
      ]
      const done = await express(['eject', 'nginx', 'app.mjs', '--output', join(directory, 'conf.d'), ...options], { cwd: place })
      expect(done).toEqual({ code: 0, stdout: `${join(directory, 'conf.d', `${name}.conf`)}\n`, stderr: '' })
      const serve = [
        'serve',
        'app.mjs',
        '--bind',
        `unix:${place}/tsgi.sock`,
        '--mount-point',
        '/at',
        '--socket-group',
        'www-data',
      ]
      const server = background(process.execPath, [TSGI, ...serve], place)
      await until(() => server.output().includes('Ready'), 'the workers')
      urls.set(name, `http://127.0.0.1:${port}/at/x?y=1`)
    }
    for (const name of readdirSync(join(directory, 'conf.d'))) {
      const text = readFileSync(join(directory, 'conf.d', name), 'utf8')
      expect(text).not.toMatch(/^\s*(?:daemon|pid|user|events|http|\w+_temp_path)\b/m)
    }
    background(findExecutable('nginx') ?? '', ['-e', join(directory, 'error.log'), '-c', configuration], directory)
    await until(() => existsSync(join(directory, 'nginx.pid')), 'nginx')
    for (const [name, url] of urls) {
      const host = new URL(url).host
      const answer = await get(url)
      expect(answer).toMatchObject({ status: 200, body: `${name} GET /x?y=1 ${host}` })
    }
    // The log of that nginx has them, and so the snippet has none of its own.
    await until(() => readFileSync(join(directory, 'access.log'), 'utf8').includes('/at/x?y=1'), 'the access log')
  })
})

requires('nginx', 'dist', 'root', 'openssl').describe('eject nginx with every theme', () => {
  it.each(['fastcgi', 'uwsgi', 'scgi', 'http'])('gives two snippets over %s that one nginx takes', async (wire) => {
    const directory = temporaryDirectory()
    const configuration = debianConfiguration(directory)
    const { certificate, key } = makeCertificate(directory, 'site', { name: 'www.shop.test' })
    for (const name of ['app.mjs', 'b.mjs']) writeFileSync(join(directory, name), APP)
    writeFileSync(join(directory, 'down.html'), 'down')
    mkdirSync(join(directory, 'public'))
    for (const [name, host] of [
      ['one', 'www.shop.test'],
      ['two', 'www.other.test'],
    ] as const) {
      const options = [
        ...[
          '--wire',
          wire,
          '--port',
          '8123',
          '--https-port',
          '8443',
          '--server-name',
          host,
          '--hsts-policy',
          'max-age=1',
          '--https-only',
        ],
        ...['--ssl-certificate-file', certificate, '--ssl-certificate-key-file', key, '--trust-proxy', '10.0.0.0/8'],
        ...['--compress-responses', '--mount', '/b', 'b.mjs', '--document-root', 'public', '--maintenance', 'down.html'],
        ...[
          '--proxy-mount-point',
          '/x',
          'http://127.0.0.1:9/',
          '--error-document',
          '404',
          '/404.html',
          '--auth-url',
          '/who',
          '--auth-exempt',
          '/404.html',
        ],
        ...['--access-log', join(directory, `${name}.log`), '--access-log-format', 'json', '--max-clients', '100'],
      ]
      const done = await express(['eject', 'nginx', 'app.mjs', '--name', name, '--output', 'conf.d', ...options], {
        cwd: directory,
      })
      expect(done).toMatchObject({ code: 0, stderr: '' })
    }
    const { status, stderr } = spawnSync(findExecutable('nginx') ?? '', ['-t', '-e', 'stderr', '-c', configuration], {
      encoding: 'utf8',
    })
    expect(stderr).toMatch(/syntax is ok/)
    expect(stderr).not.toMatch(/warn/)
    expect(status).toBe(0)
    expect(readFileSync(join(directory, 'conf.d/one.conf'), 'utf8')).not.toContain('421')
  })
})

requires('apache2', 'dist', 'root', 'openssl').describe('eject apache', () => {
  it('gives virtual hosts for an httpd that runs already, which serve beside a second site', async () => {
    const directory = temporaryDirectory()
    const { certificate, key } = makeCertificate(directory, 'site', { name: 'www.shop.test' })
    mkdirSync(join(directory, 'sites'))
    const port = await freePort()
    const httpsPort = await freePort()
    const modules = new Set<string>()
    for (const [name, wire] of [
      ['one', 'fastcgi'],
      ['two', 'http'],
    ] as const) {
      const place = join(directory, name)
      mkdirSync(place)
      writeFileSync(join(place, 'app.mjs'), APP.replace('NAME', JSON.stringify(name)))
      const options = [
        ...[
          '--port',
          String(port),
          '--server-root',
          place,
          '--server-name',
          `www.${name}.test`,
          '--server-alias',
          `*.${name}.test`,
        ],
        ...['--https-port', String(httpsPort), '--ssl-certificate-file', certificate, '--ssl-certificate-key-file', key],
        ...['--wire', wire, '--compress-responses', '--trust-proxy', '10.0.0.0/8', '--max-clients', '64'],
      ]
      const done = await express(['eject', 'apache', 'app.mjs', '--output', join(directory, 'sites'), ...options], { cwd: place })
      expect(done).toMatchObject({ code: 0, stderr: '' })
      const text = readFileSync(join(directory, 'sites', `${name}.conf`), 'utf8')
      expect(text).not.toMatch(/^\s*(?:ServerRoot|PidFile|LoadModule|User|Listen|MaxRequestWorkers|ErrorLog)\b/m)
      for (const module of /a2enmod (.*)/.exec(text)?.[1]?.split(' ') ?? []) modules.add(module)
      const serve = ['serve', 'app.mjs', '--bind', `unix:${place}/tsgi.sock`, '--socket-group', 'www-data']
      const server = background(process.execPath, [TSGI, ...serve], place)
      await until(() => server.output().includes('Ready'), 'the workers')
    }
    const load = ['mpm_event', 'authz_core', ...modules].map(
      (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
    )
    const configuration = join(directory, 'apache2.conf')
    writeFileSync(
      configuration,
      [
        ...load,
        `ServerRoot ${directory}`,
        `DefaultRuntimeDir ${directory}`,
        `PidFile ${directory}/httpd.pid`,
        `ErrorLog ${directory}/error.log`,
        ...['User www-data', 'Group www-data', 'ServerName other.test'],
        `Listen 127.0.0.1:${port}`,
        `Listen 127.0.0.1:${httpsPort}`,
        ...[`<VirtualHost *:${port}>`, '  ServerName other.test', '  ErrorDocument 403 other', '</VirtualHost>'],
        ...['<Directory />', '  Require all denied', '</Directory>'],
        `CustomLog ${directory}/access.log "%r"`,
        `Include ${directory}/sites/*.conf`,
        '',
      ].join('\n'),
    )
    background(findExecutable('apache2') ?? '', ['-D', 'FOREGROUND', '-f', configuration], directory)
    await until(() => existsSync(join(directory, 'httpd.pid')), 'httpd')
    const url = `http://127.0.0.1:${port}/x?y=1`
    for (const name of ['one', 'two']) {
      for (const host of [`www.${name}.test`, `more.${name}.test`]) {
        expect(await get(url, { Host: host })).toMatchObject({ status: 200, body: `${name} GET /x?y=1 ${host}` })
      }
    }
    // Names of others are not ours to refuse.
    expect(await get(url, { Host: 'other.test' })).toMatchObject({ status: 403, body: 'other' })
  })
})

requires('dist').describe('eject', () => {
  it('prints the files with a header each, without --output', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'app.mjs'), APP)
    const { code, stdout } = await express(['eject', 'systemd', 'app.mjs', '--behind-proxy', '--name', 'shop'], {
      cwd: directory,
    })
    expect(code).toBe(0)
    expect(stdout.match(/^# ==> .* <==$/gm)).toEqual(['# ==> shop.socket <==', '# ==> shop.service <=='])
    expect(readdirSync(directory)).toEqual(['app.mjs'])
  })

  it('never overwrites a file that is the operator by now', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'app.mjs'), APP)
    const args = ['eject', 'systemd', 'app.mjs', '--name', 'shop', '--output', 'out']
    expect(await express(args, { cwd: directory })).toMatchObject({ code: 0 })
    expect(await express(args, { cwd: directory })).toMatchObject({ code: 0 })
    writeFileSync(join(directory, 'out/shop.service'), '# mine\n')
    const refused = await express(args, { cwd: directory })
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('shop.service') })
    expect(readFileSync(join(directory, 'out/shop.service'), 'utf8')).toBe('# mine\n')
  })
})

requires('dist').describe('eject for containers', () => {
  /** What it answers for an application with these options, in a directory that is called `shop`. */
  async function ejected(target: string, ...more: string[]): ReturnType<typeof express> {
    const directory = join(temporaryDirectory(), 'shop')
    mkdirSync(directory)
    writeFileSync(join(directory, 'app.mjs'), APP)
    return express(['eject', target, 'app.mjs', ...more], { cwd: directory })
  }

  it('compose: images, the proxy at a shared socket, and a rollout that can be run', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'app.mjs'), APP)
    const args = ['eject', 'compose', 'app.mjs', '--processes', '3', '--setenv', 'GREETING', 'a "b" $c', '--output', '.']
    expect(await express(args, { cwd: directory })).toMatchObject({ code: 0 })
    const compose = parse(readFileSync(join(directory, 'compose.yaml'), 'utf8')) as Record<
      string,
      Record<string, Record<string, unknown>>
    >
    expect(compose.services?.app).toMatchObject({
      command: ['app.mjs', '--workers', '3', '--bind', 'unix:/run/tsgi/app.sock', '--socket-takeover', '--drain-delay', '5s'],
      read_only: true,
      cap_drop: ['ALL'],
      user: '1000:1000',
      environment: { GREETING: 'a "b" $$c' },
    })
    expect(compose.services?.proxy).toMatchObject({ ports: ['8000:8080'], read_only: true, cap_drop: ['ALL'] })
    expect(readFileSync(join(directory, 'proxy/app.conf'), 'utf8')).toContain('unix:/run/tsgi/app.sock')
    expect(statSync(join(directory, 'rollout')).mode & 0o111).not.toBe(0)
  })

  it('compose with files: they are in the image of the proxy, and the image of both serves them, too', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'app.mjs'), APP)
    mkdirSync(join(directory, 'web/static files'), { recursive: true })
    const files = [
      '--url-alias',
      '/static',
      join(directory, 'web/static files'),
      '--document-root',
      'web',
      '--request-timeout',
      '9s',
    ]
    const args = ['eject', 'compose', 'app.mjs', ...files, '--output', '.']
    expect(await express(args, { cwd: directory })).toMatchObject({ code: 0 })
    const dockerfile = readFileSync(join(directory, 'Dockerfile'), 'utf8')
    expect(dockerfile).toContain('COPY ["web/static files","/srv/tsgi/web/static files"]\n')
    expect(dockerfile).toContain('COPY ["web","/srv/tsgi/web"]\n')
    expect(dockerfile).toMatch(/CMD .*"--request-timeout","9s".*"--url-alias","\/static","web\/static files".*"--port","8080"/)
    const proxy = readFileSync(join(directory, 'proxy/app.conf'), 'utf8')
    expect(proxy).toContain('/srv/tsgi/web/static files')
    expect(proxy).not.toContain(directory)
  })

  it('compose with replicas: nginx asks for their addresses again and again', async () => {
    const { stdout, code } = await ejected('compose', '--replicas', '3', '--affinity', 'sid')
    expect(code).toBe(0)
    expect(stdout).toContain('server "app:9000" resolve max_fails=1')
    expect(stdout).toContain('resolver "127.0.0.11" valid=2s')
    expect(stdout).toContain('hash $tsgi_app_affinity consistent')
    // Its own tries come first: they choose another host.
    expect(stdout).toContain('@tsgi_once_more')
    expect(stdout).not.toContain('fastcgi_next_upstream off')
  })

  it('swarm and kubernetes: the next before the last', async () => {
    expect((await ejected('swarm')).stdout).toMatch(/order: start-first[^]*failure_action: rollback/)
    const { stdout } = await ejected('kubernetes', '--replicas', '3', '--namespace', 'web')
    expect(stdout).toContain('shop-app.web.svc.cluster.local:9000')
    expect(stdout).toMatch(/kind: PodDisruptionBudget[^]*kind: Deployment/)
  })

  it.each([
    [['--replicas', '0'], '--replicas'],
    [['--affinity', 'sid'], '--affinity chooses among replicas'],
    [['--replicas', '2', '--affinity', 'a;b'], '--affinity'],
    [['--replicas', '2', '--server-type', 'apache'], 'Apache finds no hosts'],
    [['--server-type', 'embedded'], 'has no proxy'],
    [['--mount', '/x', 'app.mjs'], 'a stack of its own'],
    [['--url-alias', '/logs', '/var/log'], 'must be below'],
    [['--document-root', '.'], 'must be below'],
  ])('refuses %j', async (more, why) => {
    const { code, stderr } = await ejected('compose', ...more)
    expect(code).toBe(2)
    expect(stderr).toContain(why)
  })
})

requires('dist', 'systemd-analyze').describe('eject systemd', () => {
  const awkward = [
    '--setenv',
    'GREETING',
    'it\'s "100%" $HOME',
    '--graceful-timeout',
    '40s',
    '--processes',
    '2',
    '--mount',
    '/b',
    'b.mjs',
  ]

  it.each([
    [
      'for start-server',
      ['--port', '80', '--host', '127.0.0.1', '--server-type', 'embedded', ...awkward.slice(0, 7)],
      ['shop.service'],
    ],
    [
      'for tsgi serve',
      ['--behind-proxy', ...awkward],
      ['shop-mount-1.service', 'shop-mount-1.socket', 'shop.service', 'shop.socket'],
    ],
  ])('gives units %s that systemd accepts', async (_, options, names) => {
    const directory = join(temporaryDirectory(), 'with "space"')
    mkdirSync(directory)
    chmodSync(directory, 0o755)
    for (const name of ['app.mjs', 'b.mjs']) writeFileSync(join(directory, name), APP)
    const args = ['eject', 'systemd', 'app.mjs', '--name', 'shop', '--output', 'out', ...options]
    expect(await express(args, { cwd: directory })).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(join(directory, 'out')).sort()).toEqual(names)
    for (const name of names) {
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(directory, 'out', name)], {
        encoding: 'utf8',
      })
      expect(`${stdout}${stderr}`).toBe('')
      expect(status).toBe(0)
    }
    const unit = readFileSync(join(directory, 'out/shop.service'), 'utf8')
    expect(unit).toContain('TimeoutStopSec=55')
    expect(unit).toContain(`WorkingDirectory=${directory}`)
    expect(unit).toContain('Environment="GREETING=it\'s \\"100%%\\" $HOME"')
    expect(unit).toMatch(names.length > 1 ? /serve app\.mjs .*--workers 2 /m : /AmbientCapabilities=CAP_NET_BIND_SERVICE/)
  })
})

requires('dist', 'systemd-analyze', 'nginx', 'openssl', 'root').describe(
  'eject systemd with a key that only root may read',
  () => {
    it('has systemd hand the service a copy', async () => {
      const directory = temporaryDirectory()
      writeFileSync(join(directory, 'app.mjs'), 'export default () => {}\n')
      const { certificate: cert, key } = makeCertificate(directory, 'site')
      chmodSync(key, 0o600)
      chmodSync(cert, 0o644)
      const tls = ['--https-port', '8443', '--ssl-certificate-file', cert, '--ssl-certificate-key-file', key]
      const args = ['eject', 'systemd', 'app.mjs', '--name', 'shop', '--output', 'out', '--server-type', 'nginx', ...tls]
      expect(await express(args, { cwd: directory })).toMatchObject({ code: 0, stderr: '' })
      const file = join(directory, 'out/shop.service')
      const unit = readFileSync(file, 'utf8')
      expect(unit).toContain(`LoadCredential=ssl-certificate-key-file.pem:${key}\n`)
      expect(unit).toMatch(
        /^ExecStart=.* --ssl-certificate-file \S+ .* --ssl-certificate-key-file \$\{CREDENTIALS_DIRECTORY\}\/ssl-certificate-key-file\.pem$/m,
      )
      expect(unit).not.toContain(`--ssl-certificate-key-file ${key}`)
      const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
      expect(`${stdout}${stderr}`).toBe('')
      chmodSync(key, 0o644)
      const open = await express([...args.slice(0, 5), '--server-type', 'nginx', ...tls], { cwd: directory })
      expect(open.stdout).not.toContain('LoadCredential')
    })
  },
)

describe('words of a unit', () => {
  it('mean themselves', () => {
    expect(execWord('plain-1.x')).toBe('plain-1.x')
    expect(execWord('a "b" $c %d \\ \n')).toBe('"a \\"b\\" $$c %%d \\\\ \\n"')
    expect(settingWord('A=$b %c')).toBe('"A=$b %%c"')
  })
})
