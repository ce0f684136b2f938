import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, createGzip, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { redirect, Request, Response, sendFromDirectory } from '../../src/toolkit/index.ts'
import { served } from '../middleware/served.ts'
import { environOf, pieces } from './called.ts'

/** What a server answers to bytes as they are, up to the end of the connection. */
async function raw(base: string, text: string): Promise<string> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(text)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer) // a socket without an encoding gives these
  return Buffer.concat(chunks).toString('latin1')
}

describe('through a server', () => {
  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/sub/..%2f..%2fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/%252e%252e/secret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '//../secret.txt',
    '/%2fetc%2fpasswd',
    '/a.txt%00',
    '/a.txt/../../secret.txt',
    '/./%2e%2e/secret.txt',
    '/nul',
  ])('no path leads out of a directory: %s', async (path) => {
    const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    mkdirSync(join(folder, 'root', 'sub'), { recursive: true })
    writeFileSync(join(folder, 'root', 'a.txt'), 'public')
    writeFileSync(join(folder, 'secret.txt'), 'secret')
    const application = Request.application((request) => sendFromDirectory(request, join(folder, 'root'), request.path.slice(1)))
    const { base } = await served(application)
    expect(await raw(base, `GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toContain('public')
    const answer = await raw(base, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|404) /)
    expect(answer).not.toContain('root:')
    expect(answer).not.toMatch(/\r\n\r\nsecret/)
  })

  it('no argument begins a field of its own: the server answers 500, or what it is part of is encoded', async () => {
    const application = Request.application((request) => {
      const value = request.args.get('v', '')
      switch (request.path) {
        case '/header':
          return new Response('', { headers: { 'X-Value': value } })
        case '/redirect':
          return redirect(value)
        case '/download':
          return sendFromDirectory(request, import.meta.dirname, 'called.ts', { downloadName: value })
        default:
          return new Response('').setCookie('c', value)
      }
    })
    const { base } = await served(application)
    const attack = encodeURIComponent('x\r\nSet-Cookie: evil=1\r\n\r\n<script>')
    for (const [path, status] of [
      ['/header', 500],
      ['/redirect', 500],
      ['/download', 200],
      ['/cookie', 200],
    ] as const) {
      const answer = await raw(base, `GET ${path}?v=${attack} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(answer).not.toMatch(/^set-cookie: evil/im)
      expect(answer).not.toContain('\r\n\r\n<script>')
    }
  })

  it('floods and bombs are answered with a status, and the server goes on', async () => {
    const application = Request.application(
      async (request) => {
        if (request.path === '/json') return Response.json(await request.json())
        return Response.json([...(await request.form()).keys()])
      },
      { decompress: true, maxDataSize: 100_000, maxDecompressedSize: 1_000_000 },
    )
    const { base, errors } = await served(application)
    const status = async (path: string, type: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
      (await fetch(base + path, { method: 'POST', body: Buffer.from(body), headers: { 'Content-Type': type, ...headers } }))
        .status
    const multipart = 'multipart/form-data; boundary=b'
    const one = '--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n'
    expect(await status('/', multipart, `${one.repeat(1000)}--b--`)).toBe(200)
    expect(await status('/', multipart, `${one.repeat(1001)}--b--`)).toBe(413)
    expect(await status('/', multipart, `--b\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`)).toBe(431)
    expect(await status('/', multipart, '--'.repeat(100_000))).toBe(400)
    expect(await status('/', multipart, one)).toBe(400)
    expect(await status('/', 'application/x-www-form-urlencoded', '&'.repeat(2000))).toBe(413)
    expect(await status('/json', 'application/json', `"${'x'.repeat(100_000)}"`)).toBe(413)
    expect(await status('/json', 'application/json', '['.repeat(50_000))).toBe(400)
    expect(await status('/json', 'text/plain', '1')).toBe(415)
    const bomb = gzipSync(Buffer.alloc(10_000_000))
    expect(await status('/json', 'application/json', bomb, { 'Content-Encoding': 'gzip' })).toBe(413)
    expect(await status('/json', 'application/json', gzipSync('[1]'), { 'Content-Encoding': 'gzip' })).toBe(200)
    expect(await status('/', multipart, `${one}--b--`)).toBe(200)
    expect(errors).toEqual([])
  })
})

describe('a bomb', () => {
  it('is unpacked no further than the limit', async () => {
    // 200 MB in 200 kB: what would be held if all of it were unpacked shows.
    const gzip = createGzip({ level: constants.Z_BEST_SPEED })
    for (let index = 0; index < 200; index++) gzip.write(Buffer.alloc(1_000_000))
    gzip.end()
    const bomb = Buffer.concat(await gzip.toArray())
    const environ = environOf({ REQUEST_METHOD: 'POST', HTTP_CONTENT_ENCODING: 'gzip' }, pieces(bomb, 1000))
    const request = new Request(environ, { decompress: true, maxDecompressedSize: 1_000_000 })
    await expect(request.data()).rejects.toMatchObject({ status: 413 })
    expect(environ['tsgi.input']).toMatchObject({ left: expect.toSatisfy((left: number) => left > (bomb.length / 1000) * 0.5) })
  })
})
