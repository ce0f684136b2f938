import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { makeCertificate } from '../support/certificates.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = `export const application = (environ, startResponse) => {
  startResponse('200 OK', [])
  return process.env.ANSWER
}
`

/** A server with nginx in a directory of its own, and what rewrites its configuration file and reloads. */
async function start(config: Record<string, unknown>) {
  const directory = temporaryDirectory()
  const configure = (more: Record<string, unknown>): void =>
    writeFileSync(
      join(directory, 'tsgi.config.json'),
      JSON.stringify({ port: 0, serverType: 'nginx', logToTerminal: true, setenv: { ANSWER: 'old' }, ...config, ...more }),
    )
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  writeFileSync(join(directory, 'wsgi.js'), APP)
  configure({})
  const server = new Launched(['start-server'], { cwd: directory })
  const url = await server.ready()
  const reload = async (more: Record<string, unknown>): Promise<void> => {
    configure(more)
    const before = outcomes(server)
    server.child.kill('SIGHUP')
    await until(() => outcomes(server) > before, 'the outcome of the reload')
  }
  return { server, url, directory, reload }
}

function outcomes({ stderr }: Launched): number {
  return stderr.match(/reloaded: |TSGI_ERR_(?:PROXY_CONFIG|OPTION)/g)?.length ?? 0
}

const post = async (url: string, bytes: number): Promise<number> =>
  (await fetch(url, { method: 'POST', body: 'x'.repeat(bytes) })).status

requires('nginx', 'dist').describe('a reload behind nginx', () => {
  it('gives nginx what has changed for it', async () => {
    const { server, url, reload } = await start({ limitRequestBody: 100 })
    expect(await post(url, 200)).toBe(413)
    await reload({ limitRequestBody: 1000, setenv: { ANSWER: 'new' } })
    await until(() => server.stderr.includes('nginx takes a new configuration'), 'nginx told')
    expect(server.stderr).not.toContain('not before the next start')
    // nginx begins its new workers when it has read the signal.
    let status = 413
    for (let i = 0; i < 200 && status === 413; i += 1) status = await post(url, 200)
    expect(status).toBe(200)
    expect(await (await fetch(url)).text()).toBe('new')
  })

  it('leaves nginx alone where nothing has changed for it', async () => {
    const { server, url, reload } = await start({})
    await reload({ setenv: { ANSWER: 'new' } })
    expect(await (await fetch(url)).text()).toBe('new')
    expect(server.stderr).not.toContain('takes a new configuration')
  })

  it('changes nothing where nginx refuses it', async () => {
    const { server, url, directory, reload } = await start({})
    writeFileSync(join(directory, 'mine.conf'), 'no_such_directive on;')
    await reload({ includeFile: 'mine.conf', setenv: { ANSWER: 'new' } })
    await until(() => /TSGI_ERR_PROXY_CONFIG[^]*no_such_directive/.test(server.stderr), 'what nginx says')
    expect(await (await fetch(url)).text()).toBe('old')
    await reload({ setenv: { ANSWER: 'newer' } })
    expect(await (await fetch(url)).text()).toBe('newer')
  })

  it('changes nothing where options contradict each other, and says what waits for a restart', async () => {
    const { server, url, reload } = await start({})
    await reload({ serverAlias: ['a.test'], setenv: { ANSWER: 'new' } })
    expect(server.stderr).toContain('--server-alias does nothing without --server-name')
    expect(await (await fetch(url)).text()).toBe('old')
    await reload({ host: 'localhost' })
    expect(server.stderr).toContain('changed, but not before the next start: host')
  })
})

requires('nginx', 'dist', 'openssl').test('a reload takes a certificate that was renewed in place', async () => {
  const certificates = temporaryDirectory()
  const { certificate, key } = makeCertificate(certificates, 'server', { name: 'old.test' })
  const { server, directory, reload } = await start({ httpsPort: 0, sslCertificateFile: certificate, sslCertificateKeyFile: key })
  expect(directory).not.toBe('')
  const { connect } = await import('node:tls')
  const port = Number(/:(\d+)\/$/.exec(server.field('Server URL \\(HTTPS\\)'))?.[1])
  const subject = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN))
        socket.destroy()
      })
      socket.on('error', reject)
    })
  expect(await subject()).toBe('old.test')
  makeCertificate(certificates, 'server', { name: 'new.test' })
  await reload({})
  let seen = ''
  for (let i = 0; i < 200 && seen !== 'new.test'; i += 1) seen = await subject()
  expect(seen).toBe('new.test')
})
