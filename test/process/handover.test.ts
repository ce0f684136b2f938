import { Agent, request } from 'node:http'
import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { FastcgiPeer } from '../wire/fastcgi-peer.ts'
import { END_REQUEST, fastcgiRequest, GET_VALUES_RESULT } from '../wire/fastcgi.ts'
import { gatewayParams } from '../wire/request.ts'
import { Deployment } from './deployment.ts'
import { childrenOf, isRunning } from './served.ts'

const { describe, test } = requires('dist')

/** A connection that a proxy keeps, with one request behind it, to a worker that is then being replaced. */
async function keptBy(software: string): Promise<{ peer: FastcgiPeer; ask: () => Promise<string>; old: number }> {
  const app = new Deployment().deploy('one')
  const served = await app.serve()
  const [old = 0] = childrenOf(served.pid)
  const peer = await FastcgiPeer.open({ type: 'unix', path: app.socket })
  const ask = async (): Promise<string> => {
    const params = gatewayParams({ params: { SERVER_SOFTWARE: software } })
    await peer.send(fastcgiRequest(1, params, undefined, { keep: true }))
    return (await peer.reply(1)).stdout
  }
  expect(await ask()).toContain('one')
  app.deploy('two')
  served.kill('SIGHUP')
  await served.until(/has taken its place/)
  return { peer, ask, old }
}

describe('a connection that a proxy keeps to a worker that is replaced', () => {
  test('serves one more request, and nginx is told behind END_REQUEST to close it', async () => {
    const { peer, ask, old } = await keptBy('nginx/1.22.1')
    // The worker learns of its end a moment behind the line in the log.
    while (!peer.records.some(({ type }) => type === GET_VALUES_RESULT)) expect(await ask()).toContain('one')
    expect(peer.records.map(({ type }) => type).slice(-2)).toEqual([END_REQUEST, GET_VALUES_RESULT])
    // Closing it is nginx's part.
    expect(peer.connection.ending).toBeUndefined()
    expect(isRunning(old)).toBe(true)
    peer.leave()
    await until(() => !isRunning(old), 'the end of the old worker')
  })

  test('goes on with the next worker, where the proxy is another: FastCGI has no word for a close', async () => {
    const { peer, ask, old } = await keptBy('Apache/2.4.62')
    let answer = ''
    while (!answer.includes('two')) {
      answer = await ask()
      expect(answer).toMatch(/one|two/)
    }
    expect(await ask()).toContain('two')
    expect(peer.connection.ending).toBeUndefined()
    expect(peer.records.map(({ type }) => type)).not.toContain(GET_VALUES_RESULT)
    // It holds the old worker no longer.
    await until(() => !isRunning(old), 'the end of the old worker')
    expect(await ask()).toContain('two')
    peer.leave()
  })

  test('goes on as often as workers are replaced, and ends with the last of them', async () => {
    const app = new Deployment().deploy('v0')
    const served = await app.serve('--workers', '2')
    const peers = await Promise.all(Array.from({ length: 8 }, () => FastcgiPeer.open({ type: 'unix', path: app.socket })))
    let asking = true
    const clients = peers.map(async (peer) => {
      let answers = 0
      while (asking) {
        const params = gatewayParams({ params: { SERVER_SOFTWARE: 'Apache/2.4.62' } })
        await peer.send(fastcgiRequest(1, params, undefined, { keep: true }))
        expect((await peer.reply(1)).stdout).toMatch(/v\d/)
        peer.forget()
        answers += 1
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      return answers
    })
    for (let version = 1; version <= 3; version += 1) {
      app.deploy(`v${version}`)
      served.kill('SIGHUP')
      await until(() => (served.output.match(/reloaded: 2/g)?.length ?? 0) === version, `reload ${version}`)
    }
    asking = false
    for (const answers of await Promise.all(clients)) expect(answers).toBeGreaterThan(20)
    for (const { connection } of peers) expect(connection.ending).toBeUndefined()
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    for (const { connection } of peers) await until(() => connection.ending !== undefined, 'the close')
  })

  test('is closed when it stays idle', async () => {
    const { peer, old } = await keptBy('nginx/1.22.1')
    const at = performance.now()
    await until(() => peer.connection.ending !== undefined, 'the close')
    expect(performance.now() - at).toBeGreaterThan(2000)
    await until(() => !isRunning(old), 'the end of the old worker')
  })
})

test('over HTTP the next response says Connection: close', async () => {
  const app = new Deployment().deploy('one')
  const served = await app.serve()
  const [old = 0] = childrenOf(served.pid)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (): Promise<{ body: string; connection: string | undefined }> =>
    new Promise((resolve, reject) => {
      request({ socketPath: app.socket, agent }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () => resolve({ body, connection: response.headers.connection }))
      })
        .on('error', reject)
        .end()
    })
  expect(await ask()).toMatchObject({ connection: 'keep-alive' })
  app.deploy('two')
  served.kill('SIGHUP')
  await served.until(/has taken its place/)
  let last = await ask()
  // The worker learns of its end a moment behind the line in the log.
  while (last.connection !== 'close') last = await ask()
  expect(last.body).toContain('one')
  expect((await ask()).body).toContain('two')
  await until(() => !isRunning(old), 'the end of the old worker')
  agent.destroy()
})
