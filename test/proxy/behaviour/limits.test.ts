import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { get } from 'node:http'
import { describe, expect, it } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'

const long: Application = ({ PATH_INFO }, startResponse) => {
  const encoded: [string, string][] = PATH_INFO === '/encoded' ? [['Content-Encoding', 'br']] : []
  startResponse('200 OK', [['Content-Type', PATH_INFO === '/image' ? 'image/png' : 'application/json'], ...encoded])
  return 'tsgi '.repeat(1000)
}

/** The body as it is sent, and how it is encoded. */
function raw(port: number, path: string): Promise<{ encoding: string | undefined; vary: string | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get({ port, path, host: '127.0.0.1', agent: false, headers: { 'Accept-Encoding': 'gzip' } }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () =>
        resolve({
          encoding: answer.headers['content-encoding'],
          vary: answer.headers.vary,
          body: Buffer.concat(chunks),
        }),
      )
    }).on('error', reject)
  })
}

/** How long the proxy waits for the rest of what a client sends, milliseconds. */
function patience(port: number, begun: string): Promise<number> {
  const from = performance.now()
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(begun))
    socket.on('error', () => {})
    socket.resume()
    socket.on('close', () => resolve(performance.now() - from))
  })
}

describe.each(PROXIES)('limits behind $name', (kind) => {
  requires(kind.program).test('compression is for text that gets shorter by it', async () => {
    const site = await startSite(kind, () => ({ compress: true }), { '': long })
    const text = await raw(site.port, '/')
    expect(text).toMatchObject({ encoding: 'gzip', vary: expect.stringContaining('Accept-Encoding') })
    expect(text.body.length).toBeLessThan(500)
    expect(gunzipSync(text.body).toString()).toBe('tsgi '.repeat(1000))
    expect((await raw(site.port, '/image')).encoding).toBeUndefined()
    expect((await raw(site.port, '/encoded')).encoding).toBe('br')
    const plain = await startSite(kind, () => ({}), { '': long })
    expect((await raw(plain.port, '/')).encoding).toBeUndefined()
  })

  requires(kind.program).test('a body may be as large as the limit', async () => {
    const site = await startSite(kind, () => ({ limits: { requestBodyBytes: 1000 } }))
    expect((await site.ask('/', { method: 'POST', body: 'x'.repeat(1000) })).status).toBe(200)
    expect((await site.ask('/', { method: 'POST', body: 'x'.repeat(1001) })).status).toBe(413)
  })

  requires(kind.program).test('clients that send a little at a time do not stay', async () => {
    const site = await startSite(kind, () => ({
      timeouts: {
        headerMs: 1000,
        bodyMs: 1000,
        sendMs: 1000,
        keepAliveMs: 1000,
        connectMs: 1000,
        readMs: 5000,
        upgradeReadMs: 5000,
        otherReadMs: 5000,
        shutdownMs: 1000,
      },
    }))
    const waits = await Promise.all([
      patience(site.port, 'GET / HTTP/1.1\r\nHost: x.test\r\n'),
      patience(site.port, 'POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 100\r\n\r\nx'),
      patience(site.port, 'GET / HTTP/1.1\r\nHost: x.test\r\n\r\n'),
    ])
    for (const wait of waits) expect(wait).toBeGreaterThan(900)
    for (const wait of waits) expect(wait).toBeLessThan(6000)
  })

  requires(kind.program).test('as many clients as are wanted are served at a time', async () => {
    const clients = 40
    let waiting: (() => void)[] = []
    const meeting: Application = async (_, startResponse) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length < clients) return
        for (const each of waiting) each()
        waiting = []
      })
      startResponse('200 OK', [])
      return 'all here'
    }
    const limits = { requestBodyBytes: 0, clients }
    const site = await startSite(kind, () => ({ limits, proxyWorkers: 1 }), { '': meeting })
    const answers = await Promise.all(Array.from({ length: clients }, () => site.ask('/')))
    expect(answers.map(({ body }) => body)).toEqual(answers.map(() => 'all here'))
  })

  requires(kind.program).test("rules of one's own are read within the server", async () => {
    const site = await startSite(kind, ({ root }) => {
      writeFileSync(`${root}/mine.conf`, kind.rule)
      return { includeFiles: [`${root}/mine.conf`] }
    })
    expect((await site.ask('/')).headers['x-mine']).toBe('yes')
  })
})

it('knows what a proxy cannot do', async () => {
  const nginx = PROXIES.find(({ name }) => name === 'nginx')
  if (nginx === undefined) throw new Error('no nginx')
  for (const slowClients of [{ headerMaxMs: 1 }, { headerMinRate: 1 }, { bodyMaxMs: 1 }, { bodyMinRate: 1 }]) {
    await expect(startSite(nginx, () => ({ slowClients }))).rejects.toMatchObject({
      code: 'TSGI_ERR_OPTION',
      message: expect.stringMatching(/--(?:header|body)-(?:max-timeout|min-rate): nginx/),
    })
  }
})
