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

  /** Moves a log away and has them opened anew, for which httpd reads all of its configuration. Waits until it has. */
  async function reopened(launched: Launched, root: string): Promise<void> {
    const log = join(root, 'error.log')
    renameSync(log, `${log}.1`)
    launched.child.kill('SIGUSR1')
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('resuming normal operations'), 'new log files')
  }

  it('opens its logs anew with what it runs with, whatever is being written in its server root', async () => {
    const root = join(temporaryDirectory(), 'root')
    const launched = new Launched([...APACHE, '--server-root', root])
    const url = await launched.ready()
    writeFileSync(join(root, 'apache-rules.conf'), 'NoSuchDirective on\n')
    await reopened(launched, root)
    expect((await get(url)).status).toBe(200)
    launched.child.kill('SIGHUP')
    await until(() => /reload failed[^]*NoSuchDirective/.test(launched.stderr), 'the end of the reload')
    await reopened(launched, root)
    expect((await get(url)).status).toBe(200)
    writeFileSync(join(root, 'apache-rules.conf'), 'Header always set X-Mine yes\n')
    launched.child.kill('SIGHUP')
    let mine: unknown
    const look = async (): Promise<unknown> => (mine = (await get(url)).headers['x-mine'])
    await repeatUntil(look, () => mine === 'yes', 'the new rules')
    await reopened(launched, root)
    expect(await look()).toBe('yes')
  })

  it('takes nothing of a set-up in its server root until a restart', async () => {
    const root = join(temporaryDirectory(), 'root')
    const launched = new Launched([...APACHE, '--server-root', root])
    const url = await launched.ready()
    const setUp = new Launched(['setup-server', APP, '--server-type', 'apache', '--port', '4321', '--server-root', root])
    expect(await setUp.exited).toBe(0)
    expect(readFileSync(join(root, 'httpd.conf'), 'utf8')).toContain('127.0.0.1:4321')
    await reopened(launched, root)
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
    await reopened(launched, root)
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

  requires('root').test('lives on where the disk fills up in the middle of a reload, with the configuration that it has', async () => {
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
    await repeatUntil(async () => (mine = (await get(url)).headers['x-mine']), () => mine === 'yes', 'the new rules')
  })

  requires('root').test('lives on where the disk is full, with the log files that it has', async () => {
    const { root, fill } = smallDisk()
    const launched = new Launched([...APACHE, '--server-root', root])
    const url = await launched.ready()
    fill()
    renameSync(join(root, 'access.log'), join(root, 'access.log.1'))
    launched.child.kill('SIGUSR1')
    await until(() => /goes on with its log files[^]*ENOSPC/.test(launched.stderr), 'the warning')
    expect((await get(url)).status).toBe(200)
    rmSync(join(root, 'ballast'))
    await reopened(launched, root)
    expect((await get(url)).status).toBe(200)
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

  it('opens new logs on USR1, and loses no request meanwhile', async () => {
    const launched = new Launched(APACHE)
    const url = await launched.ready()
    const before = launched.proxy()
    const log = launched.field('Access Log File')
    renameSync(log, `${log}.1`)
    launched.child.kill('SIGUSR1')
    // Until it has read its configuration, lines go to the old file.
    const ask = async (): Promise<void> => expect((await get(url)).status).toBe(200)
    await repeatUntil(ask, () => existsSync(log) && readFileSync(log, 'utf8').includes('GET /'), 'lines in the new file')
    expect(launched.proxy()).toBe(before)
    await expectCleanStop(launched)
  })

  it('keeps the connections of its clients at a reload that is about the workers alone', async () => {
    const launched = new Launched(APACHE)
    const url = new URL(await launched.ready())
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const port = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = request(url, { agent }, (answer) => {
          const { localPort } = sent.socket ?? {}
          answer.resume().on('end', () => resolve(localPort))
        })
        sent.on('error', reject).end()
      })
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
