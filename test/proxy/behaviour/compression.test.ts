import { writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, it } from 'vitest'

import type { Application } from '../../../src/interface/application.ts'
import type { Wire } from '../../../src/proxy/site.ts'
import { requires } from '../../support/requirements.ts'
import { NGINX_ALONE, PROXIES, startSite } from './running-site.ts'
import type { ProxyKind, RunningSite } from './running-site.ts'

const WIRES: readonly Wire[] = ['fastcgi', 'uwsgi', 'scgi', 'http']
const TEXT = 'again and again, '.repeat(200)

/** The path is the type of what it answers with. */
const typed: Application = (environ, startResponse) => {
  const type = environ.PATH_INFO.slice(1)
  startResponse('200 OK', [
    ['Content-Type', type],
    ...(environ.QUERY_STRING === 'encoded' ? [['Content-Encoding', 'br'] satisfies [string, string]] : []),
  ])
  return environ.QUERY_STRING === 'short' ? 'short' : TEXT
}

function start(kind: ProxyKind, wire: Wire, compress = true): Promise<RunningSite> {
  return startSite(
    kind,
    ({ root }) => {
      writeFileSync(`${root}/style.css`, TEXT)
      return {
        wire,
        compress,
        files: { aliases: [{ url: '/style.css', path: `${root}/style.css`, kind: 'file' }], directoryListing: false },
      }
    },
    { '': typed },
  )
}

/** The bytes as they come. */
function raw(port: number, path: string, headers = {}): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', path, headers: { 'Accept-Encoding': 'gzip', ...headers }, agent: false })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => resolve({ headers: incoming.headers, body: Buffer.concat(chunks) }))
    })
    outgoing.end()
  })
}

describe.each(PROXIES)('compression behind $name', (kind) => {
  requires(kind.program).describe('where it is wanted', () => {
    it.each(WIRES)('is for text, to those who take it, and caches know, over %s', async (wire) => {
      const { port } = await start(kind, wire)
      for (const path of ['/text/html', '/application/json', '/style.css', '/image/svg+xml', '/text/html; charset=utf-8']) {
        const { headers, body } = await raw(port, encodeURI(path))
        expect(headers['content-encoding'], path).toBe('gzip')
        expect(headers.vary?.toLowerCase(), path).toContain('accept-encoding')
        expect(gunzipSync(body).toString(), path).toBe(TEXT)
      }
      const plain = await raw(port, '/text/html', { 'Accept-Encoding': 'identity' })
      expect(plain.headers['content-encoding']).toBeUndefined()
      expect(plain.headers.vary?.toLowerCase()).toContain('accept-encoding')
      // Through another proxy.
      expect((await raw(port, '/text/html', { Via: '1.1 cache' })).headers['content-encoding']).toBe('gzip')
    })

    it.each(WIRES)('is not for what is compressed already or no text, over %s', async (wire) => {
      const { port } = await start(kind, wire)
      expect((await raw(port, '/image/png')).headers['content-encoding']).toBeUndefined()
      expect((await raw(port, '/text/event-stream')).headers['content-encoding']).toBeUndefined()
      const encoded = await raw(port, '/text/html?encoded')
      expect(encoded.headers['content-encoding']).toBe('br')
      expect(encoded.body.toString()).toBe(TEXT)
    })

    it('is not done where it is not wanted', async () => {
      const { port } = await start(kind, 'fastcgi', false)
      expect((await raw(port, '/text/html')).headers['content-encoding']).toBeUndefined()
    })
  })
})

describe.each(NGINX_ALONE)('compression behind $name', (kind) => {
  requires(kind.program).test('is not for what is short', async () => {
    const { port } = await start(kind, 'fastcgi')
    expect((await raw(port, '/text/html?short')).headers['content-encoding']).toBeUndefined()
  })
})
