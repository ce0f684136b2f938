import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'

import { requires } from '../../support/requirements.ts'
import { PROXIES, startSite } from './running-site.ts'

/** Another HTTP server: says what it was asked, and echoes on a connection that is upgraded. */
async function backend(): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/deep/redirect') {
      response.writeHead(302, { Location: `http://127.0.0.1:${(server.address() as AddressInfo).port}/deep/target` }).end()
      return
    }
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ url: request.url, headers: request.headers }))
  })
  server.on('upgrade', (_, socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Seen {
  url: string
  headers: Record<string, string>
}

/** What comes back on a connection that asks for an upgrade and then says `hello`. */
function upgraded(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    })
    socket.setEncoding('latin1').on('data', (data: string) => {
      if (text === '') socket.write('hello')
      text += data
      if (text.endsWith('hello')) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}

describe.each(PROXIES)('other servers behind $name', (kind) => {
  requires(kind.program).describe('below a URL', () => {
    it('get requests with their own path, and know who asks', async () => {
      const address = await backend()
      const site = await startSite(kind, () => ({ proxyMounts: [{ url: '/other', backend: `${address}/deep` }] }))
      const answer = await site.ask('/other/x/y?z=1', {
        headers: {
          Host: 'front.test:99',
          'X-Forwarded-For': '6.6.6.6',
          'X-Forwarded-Proto': 'https',
          Forwarded: 'for=6.6.6.6',
          Proxy: 'evil',
        },
      })
      const { url, headers } = JSON.parse(answer.body) as Seen
      expect(url).toBe('/deep/x/y?z=1')
      expect(headers).toMatchObject({
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'front.test:99',
        'x-forwarded-port': String(site.port),
      })
      expect(headers).not.toHaveProperty('forwarded')
      expect(headers).not.toHaveProperty('proxy')
      expect((await site.echo('/others')).at).toBe('')
      const toFolder = await site.ask('/other?a=1')
      expect([301, 302, 307, 308]).toContain(toFolder.status)
      expect(toFolder.headers.location).toMatch(/\/other\/\?a=1$/)
    })

    it('have redirects to themselves lead here', async () => {
      const address = await backend()
      const site = await startSite(kind, () => ({ proxyMounts: [{ url: '/other/', backend: `${address}/deep/` }] }))
      const { status, headers } = await site.ask('/other/redirect')
      expect(status).toBe(302)
      expect(String(headers.location).replace(/^http:\/\/[^/]+/, '')).toBe('/other/target')
    })

    it('get upgrades', async () => {
      const address = await backend()
      const site = await startSite(kind, () => ({ proxyMounts: [{ url: '/ws', backend: address }] }))
      expect(await upgraded(site.port, '/ws/socket')).toMatch(/^HTTP\/1\.1 101 [\s\S]*hello$/)
    })

    it('are a bad gateway when they are away', async () => {
      const site = await startSite(kind, ({ httpsPort }) => ({
        proxyMounts: [{ url: '/gone', backend: `http://127.0.0.1:${httpsPort}/` }],
      }))
      expect([502, 503]).toContain((await site.ask('/gone/x')).status)
      expect((await site.echo('/')).at).toBe('')
    })
  })

  requires(kind.program).test('under a name get all of its requests', async () => {
    const address = await backend()
    const site = await startSite(kind, () => ({ proxyHosts: [{ host: 'other.test', backend: address }] }))
    const answer = await site.ask('/a%20b?x=1', { headers: { Host: 'other.test' } })
    expect(JSON.parse(answer.body)).toMatchObject({ url: '/a%20b?x=1', headers: { 'x-forwarded-host': 'other.test' } })
    expect((await site.echo('/', { headers: { Host: 'here.test' } })).at).toBe('')
  })

  requires(kind.program).test('under a name get the path as it was sent', async () => {
    const address = await backend()
    const site = await startSite(kind, () => ({ proxyHosts: [{ host: 'other.test', backend: address }] }))
    const answer = await site.ask('/a%2Fb//c?x=%2F', { headers: { Host: 'other.test' } })
    expect(JSON.parse(answer.body)).toMatchObject({ url: '/a%2Fb//c?x=%2F' })
    const redirect = await site.ask('/deep/redirect', { headers: { Host: 'other.test' } })
    expect(String(redirect.headers.location).replace(/^http:\/\/other\.test(?::\d+)?/, '')).toBe('/deep/target')
  })
})
