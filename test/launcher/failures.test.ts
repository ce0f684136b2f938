import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { Launched } from './launched.ts'
import type { LaunchOptions } from './launched.ts'
import { script, temporaryDirectory } from './temporary.ts'

const app = (name: string): string => fileURLToPath(new URL(`apps/${name}`, import.meta.url))

/** Starts what must fail. Gives the one message; nothing runs and nothing is left. */
async function failure(args: readonly string[], options: LaunchOptions = {}, code: number = 1): Promise<string> {
  const launched = new Launched(['start-server', ...args], options)
  const watch = setInterval(() => launched.remember(), 20)
  try {
    expect(await launched.exited).toBe(code)
  } finally {
    clearInterval(watch)
  }
  expect(launched.stdout).toBe('')
  expect(launched.stderr.match(/^tsgi-express: TSGI_ERR_/gm)).toHaveLength(1)
  expect(launched.survivors()).toEqual([])
  expect(launched.leftovers()).toEqual([])
  return launched.stderr
}

/** An nginx that answers -V and -t, and then does `body`. */
function fakeNginx(body: string, test = 'exit 0'): string {
  const cases = `-V) echo "nginx version: nginx/1.22.1" >&2; exit 0;; -t) ${test};;`
  return script(temporaryDirectory(), 'nginx', `case "$1" in ${cases} esac\n${body}`)
}

requires('dist', 'proc').describe('start-server that fails', () => {
  it('says that the port is in use, and by whom', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo // a TCP server
    for (const serverType of ['auto', 'embedded']) {
      const message = await failure([app('hello.js'), '--port', String(port), '--server-type', serverType])
      expect(message).toMatch(/TSGI_ERR_ADDRESS_IN_USE/)
      expect(message).toContain(`127.0.0.1:${port}`)
      expect(message).toContain(`pid ${process.pid} `)
    }
  })

  it('says that the address is not here', async () => {
    expect(await failure([app('hello.js'), '--host', '192.0.2.1'])).toMatch(/TSGI_ERR_LISTEN .*not an address of this machine/)
  })

  it('says that there is no proxy, and what to type', async () => {
    const message = await failure([
      app('hello.js'),
      '--port',
      '0',
      '--server-type',
      'nginx',
      '--proxy-executable',
      '/nowhere/nginx',
    ])
    expect(message).toMatch(/TSGI_ERR_PROXY_NOT_FOUND .*apt-get install nginx.*--server-type embedded/)
  })

  it('says that there is no application, and what is there', async () => {
    const message = await failure([app('helo.js'), '--port', '0'])
    expect(message).toMatch(/TSGI_ERR_APP_NOT_FOUND .*helo\.js/)
    expect(message).toMatch(/hello\.js/)
  })

  it.each(['auto', 'embedded'])('shows the error of an application that throws, and its last words (%s)', async (serverType) => {
    const message = await failure([app('throws.js'), '--port', '0', '--server-type', serverType])
    expect(message).toMatch(/TSGI_ERR_WORKER_BOOT/)
    expect(message).toMatch(/TypeError: no database/)
    expect(message).toMatch(/throws\.js:2:7/)
    expect(message).toMatch(/last lines[^]*about to fail/)
  })

  it('says that the application does not become ready', async () => {
    const message = await failure([app('hangs.js'), '--port', '0', '--startup-timeout', '2s'])
    expect(message).toMatch(/TSGI_ERR_WORKER_BOOT .*2000 ms/)
    expect(message).toMatch(/this takes for ever/)
  })

  it("shows nginx's words about a configuration that it refuses", async () => {
    const nginx = fakeNginx('exit 9', 'echo "nginx: [emerg] unknown directive \\"geo\\" in x:3" >&2; exit 1')
    const message = await failure([app('hello.js'), '--port', '0', '--proxy-executable', nginx])
    expect(message).toMatch(/TSGI_ERR_PROXY_CONFIG[^]*\[emerg\] unknown directive "geo" in x:3/)
  })

  it('shows how a proxy ended that does not stay', async () => {
    const message = await failure([
      app('hello.js'),
      '--port',
      '0',
      '--proxy-executable',
      fakeNginx('echo "bind() failed" >&2; exit 3'),
    ])
    expect(message).toMatch(/TSGI_ERR_PROXY_EXIT .*exit code 3.*bind\(\) failed/)
  })

  it('gives up a proxy that lets nothing through, and ends it', async () => {
    // Deaf to polite signals, too.
    const message = await failure([
      app('hello.js'),
      '--port',
      '0',
      '--proxy-executable',
      fakeNginx('trap "" TERM QUIT; while :; do sleep 0.2; done'),
    ])
    expect(message).toMatch(/TSGI_ERR_PROBE .*ECONNREFUSED/)
  }, 30_000)

  it('refuses a server root that everyone may write to, and touches nothing in it', async () => {
    const root = join(temporaryDirectory(), 'root')
    mkdirSync(root)
    chmodSync(root, 0o777)
    expect(await failure([app('hello.js'), '--port', '0', '--server-root', root])).toMatch(
      /TSGI_ERR_SERVER_ROOT .*everyone may write/,
    )
  })

  it.each(['start-server', 'start-server --check-config', 'setup-server'])(
    'refuses a server root with a configuration of somebody else: %s',
    async (command) => {
      const directory = temporaryDirectory()
      writeFileSync(join(directory, 'nginx.conf'), 'events {}\n')
      const args = ['--port', '0', '--proxy-executable', fakeNginx('exit 3'), '--server-root', directory]
      const launched = new Launched([...command.split(' '), app('hello.js'), ...args])
      expect(await launched.exited).toBe(1)
      expect(launched.stderr).toContain(
        `TSGI_ERR_SERVER_ROOT The server root cannot be used: "${directory}/nginx.conf" is not ours`,
      )
      expect(launched.stderr).toContain(`--server-root ${directory}/tsgi`)
      expect(readdirSync(directory)).toEqual(['nginx.conf'])
    },
  )

  it('refuses to serve its own source, or the project around it, as files', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'src/public'), { recursive: true })
    mkdirSync(join(directory, 'node_modules'))
    writeFileSync(join(directory, 'src/app.mjs'), 'export default (request, response) => response.end()\n')
    const proxy = ['src/app.mjs', '--port', '0', '--proxy-executable', fakeNginx('exit 3')]
    for (const [option, seen] of [
      [['--document-root', '.'], 'src/app.mjs'],
      [['--document-root', 'src'], 'app.mjs'],
    ] as const) {
      const message = await failure([...proxy, ...option], { cwd: directory }, 2)
      expect(message).toContain(`gives "${seen}" to everyone`)
    }
    expect(await failure([...proxy, '--document-root', 'src/public'], { cwd: directory })).toContain('TSGI_ERR_PROXY_EXIT')
    const other = join(temporaryDirectory(), 'other.mjs')
    writeFileSync(other, '')
    expect(await failure([other, ...proxy.slice(1), '--document-root', '.'], { cwd: directory }, 2)).toContain('"node_modules"')
  })

  it('says that the path of the socket would be too long', async () => {
    const root = join(temporaryDirectory(), 'x'.repeat(100))
    const message = await failure([
      app('hello.js'),
      '--port',
      '0',
      '--server-root',
      root,
      '--proxy-executable',
      fakeNginx('exit 0'),
    ])
    expect(message).toMatch(/TSGI_ERR_SOCKET_PATH_TOO_LONG/)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is not a failure when %s ends it before it is ready', async (signal) => {
    const launched = new Launched(['start-server', app('hangs.js'), '--port', '0'])
    // The worker runs once it has a child.
    await until(() => launched.remember().length > 1, 'a child')
    launched.child.kill(signal)
    expect(await launched.exited).toBe(0)
    expect(launched.stderr).toBe('tsgi-express: stopped before it was ready\n')
    expect(launched.stdout).toBe('')
    expect(launched.survivors()).toEqual([])
    expect(launched.leftovers()).toEqual([])
  })
})
