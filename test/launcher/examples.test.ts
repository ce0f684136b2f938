import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { get as httpGet, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { until } from '../support/until.ts'
import { requires } from '../support/requirements.ts'
import { get, Launched } from './launched.ts'

/** Starts an example behind nginx. The test's end stops it. */
async function start(example: string): Promise<{ url: string; launched: Launched }> {
  const file = fileURLToPath(new URL(`../../examples/${example}`, import.meta.url))
  const launched = new Launched(['start-server', file, '--port', '0', '--server-type', 'nginx'])
  return { url: await launched.ready(), launched }
}

requires('nginx', 'dist', 'proc').describe('the examples', () => {
  it('wsgi.ts shows the request as a page, escaped, and as text', async () => {
    const { url } = await start('wsgi.ts')
    const path = `${url}caf%C3%A9?%3Cb%3E&x=1`
    const page = await get(path, { Accept: 'text/html', 'X-Evil': '<script>"\'&' })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.body).toMatch(/^<!doctype html>/)
    expect(page.body).toContain('/café')
    expect(page.body).toContain('&#60;script&#62;&#34;&#39;&#38;')
    expect(page.body).not.toMatch(/<script|https?:\/\/(?!127\.0\.0\.1)/)
    expect(page.body).toContain('prefers-color-scheme: dark')
    const text = await get(path)
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(text.body).toMatch(/^Hello from \/café\n/)
    expect(text.body).toMatch(/^QUERY_STRING +%3Cb%3E&x=1$/m)
  })

  it('streaming.ts sends an event at a time, and stops when the client leaves', async () => {
    const { url, launched } = await start('streaming.ts')
    let body = ''
    const answer = await new Promise<IncomingMessage>((resolve) => httpGet(url, { agent: false }, resolve))
    answer.setEncoding('utf8').on('data', (text: string) => (body += text))
    answer.on('error', () => {})
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    await until(() => body.includes('id: 1\n'), 'the first event')
    expect(body).not.toContain('id: 2\n')
    await until(() => body.includes('id: 2\n'), 'the second event')
    answer.destroy()
    // A stream that went on would hold the stop up for the graceful timeout.
    const leftAt = performance.now()
    launched.child.kill('SIGTERM')
    expect(await launched.exited).toBe(0)
    expect(performance.now() - leftAt).toBeLessThan(5000)
    expect(launched.stderr).not.toMatch(/error/)
  })

  it('upload.ts gives length and SHA-256 of a body, and a form', async () => {
    const { url } = await start('upload.ts')
    const body = Buffer.alloc(3_000_000, 'tsgi')
    const answer = await new Promise<string>((resolve, reject) => {
      const outgoing = request(
        url,
        { method: 'POST', agent: false, headers: { 'Content-Type': 'application/octet-stream' } },
        (incoming) => {
          let text = ''
          incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          incoming.on('end', () => resolve(text))
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
    expect(answer).toBe(`${body.length} bytes\nsha256 ${createHash('sha256').update(body).digest('hex')}\n`)
    expect((await get(url)).body).toContain('<form method="post" enctype="multipart/form-data">')
  })

  it('middleware.ts measures the application in it', async () => {
    const { url } = await start('middleware.ts')
    const answer = await get(`${url}slow`)
    expect(answer.body).toBe('Hello from /slow\n')
    expect(Number(/^app;dur=([\d.]+)$/.exec(String(answer.headers['server-timing']))?.[1])).toBeGreaterThan(100)
  })

  it('websocket.ts sends back what it gets', async () => {
    const { url, launched } = await start('websocket.ts')
    // Connections that nginx keeps, which speak FastCGI: an upgrade must not go over them.
    const pages = await Promise.all(Array.from({ length: 8 }, () => get(url)))
    for (const { body } of pages) expect(body).toContain('new WebSocket')
    const socket = new WebSocket(url.replace(/^http/, 'ws'))
    const [data] = (await new Promise<unknown[]>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (...args) => resolve(args))
      socket.on('open', () => socket.send('Grüße'))
    })) as [Buffer]
    expect(data.toString()).toBe('Grüße')
    socket.close()
    expect(readFileSync(launched.field('Error Log File'), 'utf8')).not.toContain('TSGI_ERR_FASTCGI_RECORD')
  })
})
