import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

import { makeCertificate } from '../support/certificates.ts'
import { requires } from '../support/requirements.ts'
import { repeatUntil, until } from '../support/until.ts'
import { get, Launched } from './launched.ts'
import { script, temporaryDirectory } from './temporary.ts'

const APP = fileURLToPath(new URL('apps/hello.js', import.meta.url))
const APACHE = ['start-server', APP, '--port', '0', '--server-type', 'apache']

/** Stops it with TERM, and nothing is left. */
async function expectCleanStop(launched: Launched): Promise<void> {
  launched.remember()
  launched.child.kill('SIGTERM')
  expect(await launched.exited).toBe(0)
  expect(launched.survivors()).toEqual([])
  expect(launched.leftovers()).toEqual([])
}

/** Asks on a connection that it keeps, and tells its port on this side. */
function keptConnection(url: URL): () => Promise<number | undefined> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return () =>
    new Promise((resolve, reject) => {
      const sent = request(url, { agent }, (answer) => {
        const { localPort } = sent.socket ?? {}
        answer.resume().on('end', () => resolve(localPort))
      })
      sent.on('error', reject).end()
    })
}

/** Over a connection of its own, whatever the certificate says. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { rejectUnauthorized: false, agent: false }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
  })
}

requires('apache2', 'dist', 'proc').describe('start-server with Apache', () => {
  it.each(['fastcgi', 'uwsgi', 'scgi', 'http'])('over %s is ready when it says so, and leaves nothing', async (wire) => {
    const launched = new Launched([...APACHE, '--wire', wire])
    const url = await launched.ready()
    const answer = await get(`${url}caf%C3%A9`)
    expect(answer.status).toBe(200)
    expect(answer.headers.server).toBe('Apache')
    expect(answer.body.split('|').slice(0, 3)).toEqual(['', '/café', new URL(url).host])
    expect(launched.field('Server Type')).toMatch(/^apache\/2\.4/)
    expect(launched.field('Server Conf')).toMatch(/\/httpd\.conf$/)
    await expectCleanStop(launched)
  })

  /** Makes httpd read all of its configuration, as whoever finds its pid file may. Waits until it has. */
  async function reread(root: string): Promise<void> {
    const times = (): number => readFileSync(join(root, 'error.log'), 'utf8').match(/resuming normal operations/g)?.length ?? 0
    const before = times()
    process.kill(Number(readFileSync(join(root, 'httpd.pid'), 'utf8')), 'SIGUSR1')
    await until(() => times() > before, 'the restart')
  }

  it('reads again what it runs with, whatever is being written in its server root', async () => {
    const root = join(temporaryDirectory(), 'root')
    const launched = new Launched([...APACHE, '--server-root', root])
    const url = await launched.ready()
    writeFileSync(join(root, 'apache-rules.conf'), 'NoSuchDirective on\n')
    await reread(root)
    expect((await get(url)).status).toBe(200)
    launched.child.kill('SIGHUP')
    await until(() => /reload failed[^]*NoSuchDirective/.test(launched.stderr), 'the end of the reload')
    await reread(root)
    expect((await get(url)).status).toBe(200)
    writeFileSync(join(root, 'apache-rules.conf'), 'Header always set X-Mine yes\n')
    launched.child.kill('SIGHUP')
    let mine: unknown
    const look = async (): Promise<unknown> => (mine = (await get(url)).headers['x-mine'])
    await repeatUntil(look, () => mine === 'yes', 'the new rules')
    await reread(root)
    expect(await look()).toBe('yes')
  })

  it('takes nothing of a set-up in its server root until a restart', async () => {
    const root = join(temporaryDirectory(), 'root')
    const launched = new Launched([...APACHE, '--server-root', root])
    const url = await launched.ready()
    const setUp = new Launched(['setup-server', APP, '--server-type', 'apache', '--port', '4321', '--server-root', root])
    expect(await setUp.exited).toBe(0)
    expect(readFileSync(join(root, 'httpd.conf'), 'utf8')).toContain('127.0.0.1:4321')
    await reread(root)
    expect((await get(url)).status).toBe(200)
  })

  requires('openssl').test('lives on with its certificate while another one is half written', async () => {
    const directory = temporaryDirectory()
    const root = join(directory, 'root')
    const { certificate, key } = makeCertificate(directory, 'site')
    const other = makeCertificate(directory, 'other')
    const tls = ['--https-port', '0', '--ssl-certificate-file', certificate, '--ssl-certificate-key-file', key]
    const launched = new Launched([...APACHE, ...tls, '--server-root', root])
    const url = await launched.ready()
    copyFileSync(other.key, key)
    await reread(root)
    expect(await statusOf(url)).toBe(200)
    expect(statSync(join(root, 'httpd.conf.running')).mode & 0o077).toBe(0)
  })

  requires('openssl').test('refuses a certificate that httpd would end by, though its test of the syntax passes it', async () => {
    const directory = temporaryDirectory()
    const root = join(directory, 'root')
    const { certificate, key } = makeCertificate(directory, 'site')
    const tls = ['--https-port', '0', '--ssl-certificate-file', certificate, '--ssl-certificate-key-file', key]
    const launched = new Launched([...APACHE, ...tls, '--server-root', root])
    const url = await launched.ready()
    const short = ['req', '-x509', '-newkey', 'rsa:512', '-nodes', '-subj', '/CN=site', '-days', '2']
    execFileSync('openssl', [...short, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
    launched.child.kill('SIGHUP')
    await until(() => /reload failed[^]*would not start with it[^]*key too small/.test(launched.stderr), 'the end of the reload')
    expect(existsSync(join(root, 'httpd.conf.running', 'trial'))).toBe(false)
    expect(await statusOf(url)).toBe(200)
    makeCertificate(directory, 'site')
    launched.child.kill('SIGHUP')
    await until(() => readFileSync(join(root, 'error.log'), 'utf8').includes('takes a new configuration'), 'the next reload')
    await until(() => readFileSync(join(root, 'error.log'), 'utf8').includes('Doing graceful restart'), 'the restart')
    expect(await statusOf(url)).toBe(200)
  })

  /** A server root that is a file system of its own, and what fills that. */
  function smallDisk(): { root: string; fill: () => void } {
    const root = temporaryDirectory()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0755', 'tmpfs', root])
    onTestFinished(() => void execFileSync('umount', ['-l', root]))
    return {
      root,
      fill: () => expect(() => writeFileSync(join(root, 'ballast'), Buffer.alloc(8 * 1024 * 1024))).toThrow('ENOSPC'),
    }
  }

  requires('root').test(
    'lives on where the disk fills up in the middle of a reload, with the configuration that it has',
    async () => {
      const { root, fill } = smallDisk()
      const launched = new Launched([...APACHE, '--processes', '1', '--server-root', root])
      const url = await launched.ready()
      const ready = (): number => readFileSync(join(root, 'error.log'), 'utf8').match(/worker \d+ is ready/g)?.length ?? 0
      writeFileSync(join(root, 'apache-rules.conf'), 'Header always set X-Mine yes\n')
      launched.child.kill('SIGHUP')
      // All has been tested by then, and the proxy is told when the old worker has gone.
      await until(() => ready() === 2, 'the new worker')
      fill()
      await until(() => /goes on with the configuration that it has[^]*ENOSPC/.test(launched.stderr), 'the message')
      const answer = await get(url)
      expect([answer.status, answer.headers['x-mine']]).toEqual([200, undefined])
      rmSync(join(root, 'ballast'))
      launched.child.kill('SIGHUP')
      let mine: unknown
      await repeatUntil(
        async () => (mine = (await get(url)).headers['x-mine']),
        () => mine === 'yes',
        'the new rules',
      )
    },
  )

  requires('root').test('opens its logs anew where the disk is full, and writes on when there is room', async () => {
    const { root, fill } = smallDisk()
    const launched = new Launched([...APACHE, '--server-root', root])
    const url = await launched.ready()
    const log = join(root, 'access.log')
    fill()
    renameSync(log, `${log}.1`)
    launched.child.kill('SIGUSR1')
    const ask = async (): Promise<void> => expect((await get(url)).status).toBe(200)
    await repeatUntil(ask, () => /access\.log: [^]*line\(s\) of the log were lost[^]*ENOSPC/.test(launched.stderr), 'the warning')
    rmSync(join(root, 'ballast'))
    launched.child.kill('SIGUSR1')
    await repeatUntil(ask, () => existsSync(log) && readFileSync(log, 'utf8').includes('GET /'), 'lines in the new file')
  })

  it('keeps its files private and its logs apart, and starts again where it was', async () => {
    const root = join(temporaryDirectory(), 'root')
    for (let run = 1; run <= 2; run += 1) {
      const launched = new Launched([...APACHE, '--server-root', root])
      const url = await launched.ready()
      await get(`${url}visited`)
      const requests = (): string[] => readFileSync(launched.field('Access Log File'), 'utf8').match(/"GET \S+/g) ?? []
      await until(() => requests().length === run, 'the access log')
      expect(requests().at(-1)).toBe('"GET /visited')
      expect(statSync(join(root, 'httpd.conf')).mode & 0o007).toBe(0)
      launched.child.kill('SIGTERM')
      expect(await launched.exited).toBe(0)
      expect(() => statSync(join(root, 'httpd.pid'))).toThrow('ENOENT')
      expect(() => statSync(join(root, 'tsgi.sock'))).toThrow('ENOENT')
    }
  })

  it('starts again in a server root where the one before was killed', async () => {
    const root = join(temporaryDirectory(), 'root')
    const first = new Launched([...APACHE, '--server-root', root])
    await first.ready()
    first.remember()
    first.child.kill('SIGKILL')
    await first.exited
    await until(() => first.survivors().length === 0, 'the end of the others')
    expect(existsSync(join(root, 'httpd.conf.running', 'access.pipe'))).toBe(true)
    const second = new Launched([...APACHE, '--server-root', root])
    expect((await get(await second.ready())).status).toBe(200)
  })

  it('opens new logs on USR1, and keeps the connections of its clients', async () => {
    const root = join(temporaryDirectory(), 'root')
    const launched = new Launched([...APACHE, '--server-root', root])
    const url = new URL(await launched.ready())
    const [log, errors] = [launched.field('Access Log File'), launched.field('Error Log File')]
    const port = keptConnection(url)
    const before = await port()
    for (const each of [log, errors]) renameSync(each, `${each}.1`)
    launched.child.kill('SIGUSR1')
    let now: unknown = before
    const ask = async (): Promise<unknown> => (now = await port())
    await repeatUntil(ask, () => existsSync(log) && readFileSync(log, 'utf8').includes('GET /'), 'lines in the new file')
    expect(now).toBe(before)
    await expectCleanStop(launched)
    expect(readFileSync(`${errors}.1`, 'utf8')).not.toContain('caught SIGWINCH')
    expect(readFileSync(errors, 'utf8')).toContain('caught SIGWINCH')
  })

  it('keeps the connections of its clients at a reload that is about the workers alone', async () => {
    const launched = new Launched(APACHE)
    const url = new URL(await launched.ready())
    const port = keptConnection(url)
    const before = await port()
    launched.child.kill('SIGHUP')
    await until(() => readFileSync(launched.field('Error Log File'), 'utf8').includes('reloaded: '), 'the reload')
    expect(await port()).toBe(before)
  })

  it('writes errors to the terminal where logs are to go there', async () => {
    const launched = new Launched([...APACHE, '--log-to-terminal', '--proxy-mount-point', '/away', 'http://127.0.0.1:1/'])
    const url = await launched.ready()
    expect((await get(`${url}away/`)).status).toBe(503)
    await until(() => /\[proxy:error\]/.test(launched.stderr), "Apache's line")
    await expectCleanStop(launched)
  })

  it("shows Apache's words about rules of the operator that it refuses", async () => {
    const directory = temporaryDirectory()
    const file = script(directory, 'mine.conf', 'NoSuchDirective on')
    const launched = new Launched([...APACHE, '--include-file', file])
    expect(await launched.exited).toBe(1)
    expect(launched.stderr).toMatch(/TSGI_ERR_PROXY_CONFIG[^]*apache2" -t failed[^]*Invalid command/)
    expect(launched.leftovers()).toEqual([])
  })

  requires('root').test("as root runs Apache's workers as somebody else", async () => {
    const launched = new Launched(APACHE)
    await launched.ready()
    expect(launched.stderr).toMatch(/only Apache's workers are not/)
    const master = launched.proxy()
    const users = (): number[] =>
      launched
        .remember()
        .filter(
          (pid) =>
            readFileSync(`/proc/${pid}/stat`, 'latin1')
              .replace(/^.*\) /s, '')
              .split(' ')[1] === String(master),
        )
        .map((pid) => statSync(`/proc/${pid}`).uid)
    // The last of them is forked about now, and each changes its user by itself.
    await until(() => users().length > 0 && !users().includes(0), 'workers that are not root')
    await expectCleanStop(launched)
  })
})
