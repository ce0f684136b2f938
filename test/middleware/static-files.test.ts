import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Application, Lifespan, Middleware } from '../../src/index.ts'
import { dispatcher, staticFiles } from '../../src/middleware/index.ts'
import type { StaticFilesOptions } from '../../src/middleware/index.ts'
import { lint } from '../../src/middleware/lint/index.ts'
import type { LintFinding } from '../../src/middleware/lint/index.ts'
import { saying, served } from './served.ts'

const SCRIPT = 'console.log("hello")\n'.repeat(50)

/** A directory with files, and one beside it that nobody may see. */
function tree(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const parent = mkdtempSync(join(tmpdir(), 'tsgi-static-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'public')
  for (const [name, content] of Object.entries({
    '../secret.txt': 'secret\n',
    'app.js': SCRIPT,
    'index.html': '<h1>front</h1>\n',
    'docs/index.html': '<h1>docs</h1>\n',
    'empty/.keep': '',
    '.env': 'KEY=secret\n',
    '.git/config': 'secret\n',
    'a b ü.txt': 'spaces\n',
    ...files,
  })) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  return directory
}

interface Got {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** Serves with lint on both sides of the middleware, and gives a way to ask. No rule may be broken. */
async function through(
  middleware: Middleware,
  inner = saying('application'),
): Promise<(path: string, asked?: Asked) => Promise<Got>> {
  const findings: LintFinding[] = []
  const onFinding = (finding: LintFinding): void => void findings.push(finding)
  const { base, errors } = await served(lint(middleware(lint(inner, { onFinding })), { onFinding }))
  const { hostname, port } = new URL(base)
  return async (path, { method = 'GET', headers = {} } = {}) => {
    const got = await new Promise<Got>((resolve, reject) => {
      // Not as a URL, which would take the dots out.
      const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const body = Buffer.concat(chunks)
          resolve({ status: response.statusCode, headers: response.headers, body, text: body.toString() })
        })
        response.on('error', reject)
      })
      sent.on('error', reject).end()
    })
    expect(findings).toEqual([])
    expect(errors).toEqual([])
    return got
  }
}

function mounted(directory: string, options?: StaticFilesOptions): ReturnType<typeof through> {
  return through(staticFiles('/static', directory, options))
}

describe('staticFiles', () => {
  it('serves a file with type, length and validators, and leaves the rest to the application', async () => {
    const get = await mounted(tree())
    const got = await get('/static/app.js')
    expect(got).toMatchObject({ status: 200, text: SCRIPT })
    expect(got.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-length': String(SCRIPT.length),
      'cache-control': 'no-cache',
      'accept-ranges': 'bytes',
    })
    expect((await get('/static/a%20b%20%C3%BC.txt')).text).toBe('spaces\n')
    for (const path of ['/', '/app.js', '/statics/app.js', '/static/none.js', '/static/app.js/']) {
      expect(await get(path), path).toMatchObject({ status: 200, text: 'application' })
    }
  })

  it('answers conditions and ranges', async () => {
    const get = await mounted(tree())
    const { headers } = await get('/static/app.js')
    const etag = String(headers.etag)
    const since = String(headers['last-modified'])
    expect(await get('/static/app.js', { headers: { 'If-None-Match': etag } })).toMatchObject({ status: 304, text: '' })
    expect(await get('/static/app.js', { headers: { 'If-Modified-Since': since } })).toMatchObject({ status: 304 })
    expect(await get('/static/app.js', { headers: { 'If-Match': '"other"' } })).toMatchObject({ status: 412 })
    expect(await get('/static/app.js', { headers: { Range: 'bytes=0-6' } })).toMatchObject({
      status: 206,
      text: 'console',
      headers: { 'content-range': `bytes 0-6/${SCRIPT.length}` },
    })
    expect(await get('/static/app.js', { headers: { Range: 'bytes=0-6', 'If-Range': '"old"' } })).toMatchObject({ status: 200 })
    expect(await get('/static/app.js', { headers: { Range: 'bytes=99999-' } })).toMatchObject({ status: 416 })
  })

  it('answers HEAD as GET without the body, and other methods with 405 where there is a file', async () => {
    const get = await mounted(tree())
    const { etag } = (await get('/static/app.js')).headers
    expect(await get('/static/app.js', { method: 'HEAD' })).toMatchObject({
      status: 200,
      text: '',
      headers: { etag, 'content-length': String(SCRIPT.length) },
    })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      expect(await get('/static/app.js', { method }), method).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
      expect(await get('/static/docs', { method }), method).toMatchObject({ status: 405 })
      expect(await get('/static/none', { method }), method).toMatchObject({ status: 200, text: 'application' })
    }
  })

  it('serves the index of a directory, and leads to its slash by a redirect that keeps the query and the mount', async () => {
    const directory = tree()
    const get = await mounted(directory)
    expect((await get('/static/')).text).toBe('<h1>front</h1>\n')
    expect((await get('/static/docs/')).text).toBe('<h1>docs</h1>\n')
    expect(await get('/static/docs?a=%20b')).toMatchObject({ status: 308, headers: { location: '/static/docs/?a=%20b' } })
    expect(await get('/static')).toMatchObject({ status: 308, headers: { location: '/static/' } })
    // Without an index a directory is nothing.
    expect((await get('/static/empty')).text).toBe('application')
    expect((await get('/static/empty/')).text).toBe('application')
    const inMount = await through(dispatcher({ '/ü': staticFiles('/', directory)(saying('application')) }))
    expect(await inMount('/%C3%BC/docs')).toMatchObject({ status: 308, headers: { location: '/%C3%BC/docs/' } })
    expect(await inMount('/%C3%BC')).toMatchObject({ status: 308, headers: { location: '/%C3%BC/' } })
    const without = await mounted(directory, { index: false })
    for (const path of ['/static/', '/static/docs/', '/static/docs']) expect((await without(path)).text).toBe('application')
  })

  it('is not led to another site by two slashes', async () => {
    const directory = tree({ 'example.org/index.html': 'x' })
    const get = await through(staticFiles('/', directory, { fallThrough: false }))
    expect((await get('/example.org')).status).toBe(308)
    for (const path of ['//example.org', '/%2Fexample.org', '/\\example.org', '///example.org/..']) {
      expect(await get(path), path).toMatchObject({ status: 404 })
    }
  })

  it.each([
    '/static/../secret.txt',
    '/static/..%2fsecret.txt',
    '/static/%2e%2e/secret.txt',
    '/static/docs/../../secret.txt',
    '/static/..\\secret.txt',
    '/static//etc/passwd',
    '/static/%2Fetc/passwd',
    '/static/.env',
    '/static/%2Eenv',
    '/static/.git/config',
    '/static/docs/../.env',
    '/static/app.js%00.txt',
    '/static/app.js::$DATA',
    '/static/C:/x',
    '/static/nul',
    `/static/${'a/'.repeat(3000)}`,
    `/static/${'a'.repeat(300)}`,
    '/static/out/secret.txt',
    '/static/out.txt',
    '/static/loop',
  ])('has nothing at %.40s', async (path) => {
    const directory = tree({ nul: 'secret\n', 'app.js::$DATA': 'secret\n', '..\\secret.txt': 'secret\n' })
    symlinkSync(join(directory, '..'), join(directory, 'out'))
    symlinkSync(join(directory, '../secret.txt'), join(directory, 'out.txt'))
    symlinkSync('loop', join(directory, 'loop'))
    const get = await mounted(directory, { fallThrough: false })
    const got = await get(path)
    // A NUL the server itself does not take.
    expect([400, 404]).toContain(got.status)
    expect(got.text).not.toContain('secret\n')
  })

  it('follows links that stay inside, a directory that is one, and one that is changed to another', async () => {
    const directory = tree({ '../next/app.js': 'next' })
    symlinkSync('app.js', join(directory, 'same.js'))
    // As mounts of Kubernetes are made.
    symlinkSync('.git', join(directory, '..data'))
    symlinkSync('..data/config', join(directory, 'config'))
    const current = join(directory, '../current')
    symlinkSync('public', current)
    const get = await mounted(current)
    expect((await get('/static/same.js')).text).toBe(SCRIPT)
    expect((await get('/static/config')).text).toBe('secret\n')
    rmSync(current)
    symlinkSync('next', current)
    expect((await get('/static/app.js')).text).toBe('next')
  })

  it('sends what was compressed before to those who accept it, each with an ETag of its own', async () => {
    const directory = tree({
      'app.js.br': brotliCompressSync(SCRIPT),
      'app.js.gz': gzipSync(SCRIPT),
      'photo.png': 'png',
      'photo.png.gz': 'never',
    })
    const get = await mounted(directory)
    const ask = (coding: string, more: Record<string, string> = {}): Promise<Got> =>
      get('/static/app.js', { headers: { 'Accept-Encoding': coding, ...more } })
    const plain = await get('/static/app.js')
    const br = await ask('gzip, deflate, br')
    const gzip = await ask('gzip, br;q=0')
    expect(brotliDecompressSync(br.body).toString()).toBe(SCRIPT)
    expect(gunzipSync(gzip.body).toString()).toBe(SCRIPT)
    expect([plain, br, gzip].map(({ headers }) => headers['content-encoding'])).toEqual([undefined, 'br', 'gzip'])
    for (const { headers, body } of [plain, br, gzip]) {
      expect(headers).toMatchObject({
        vary: 'Accept-Encoding',
        'content-type': 'text/javascript; charset=utf-8',
        'content-length': String(body.length),
      })
    }
    expect(new Set([plain, br, gzip].map(({ headers }) => headers.etag)).size).toBe(3)
    expect((await ask('gzip;q=1, br;q=0.1')).headers['content-encoding']).toBe('gzip')
    expect((await ask('identity')).headers['content-encoding']).toBeUndefined()
    expect((await ask('identity, gzip;q=0.5')).headers['content-encoding']).toBeUndefined()
    // What has not changed has no content; a part of what is compressed is one.
    const unchanged = await ask('br', { 'If-None-Match': String(br.headers.etag) })
    expect(unchanged).toMatchObject({ status: 304, headers: { vary: 'Accept-Encoding' } })
    expect(unchanged.headers['content-encoding']).toBeUndefined()
    const part = await ask('gzip', { Range: 'bytes=0-1' })
    expect(part).toMatchObject({ status: 206, headers: { 'content-encoding': 'gzip' } })
    expect([...part.body]).toEqual([0x1f, 0x8b])
    // Pictures are compressed in themselves.
    const photo = await get('/static/photo.png', { headers: { 'Accept-Encoding': 'gzip' } })
    expect(photo.text).toBe('png')
    expect(photo.headers.vary).toBeUndefined()
    const off = await mounted(directory, { precompressed: false })
    const asIs = await off('/static/app.js', { headers: { 'Accept-Encoding': 'br' } })
    expect(asIs.text).toBe(SCRIPT)
    expect(asIs.headers.vary).toBeUndefined()
  })

  it('serves the index compressed, and a file whose compressed form is none as it is', async () => {
    const get = await mounted(tree({ 'docs/index.html.gz': gzipSync('<h1>docs</h1>\n'), 'app.js.br/x': '', 'gone.css.gz': 'x' }))
    const index = await get('/static/docs/', { headers: { 'Accept-Encoding': 'gzip' } })
    expect(gunzipSync(index.body).toString()).toBe('<h1>docs</h1>\n')
    expect((await get('/static/app.js', { headers: { 'Accept-Encoding': 'br' } })).text).toBe(SCRIPT)
    expect((await get('/static/gone.css', { headers: { 'Accept-Encoding': 'gzip' } })).text).toBe('application')
  })

  it.each([/\.[0-9a-f]{8}\.\w+$/g, (path: string) => path === 'assets/app.3f9a1c2e.js'])(
    'lets clients keep for ever what never changes, by %s',
    async (immutable) => {
      const get = await mounted(tree({ 'assets/app.3f9a1c2e.js': '1' }), { maxAge: 60, immutable })
      const cached = async (path: string): Promise<unknown> => (await get(path)).headers['cache-control']
      expect(await cached('/static/app.js')).toBe('public, max-age=60')
      expect(await cached('/static/assets/app.3f9a1c2e.js')).toBe('public, max-age=31536000, immutable')
      expect(await cached('/static/assets/app.3f9a1c2e.js')).toBe('public, max-age=31536000, immutable')
    },
  )

  it('looks into the nearest directory first, then into the others; one file may stand alone', async () => {
    const near = tree({ 'both.txt': 'near' })
    const far = tree({ 'x/both.txt': 'far', 'x/far.txt': 'far' })
    const get = await through(
      staticFiles({ '/': far, '/x/': pathToFileURL(near), '/favicon.ico': join(near, 'app.js'), '/x/env': join(near, '.env') }),
    )
    expect((await get('/x/both.txt')).text).toBe('near')
    expect((await get('/x/far.txt')).text).toBe('far')
    expect((await get('/favicon.ico')).text).toBe(SCRIPT)
    // Whoever names a file means it.
    expect((await get('/x/env')).text).toBe('KEY=secret\n')
    expect((await get('/favicon.ico/x')).text).toBe('application')
  })

  it('keeps the lifespan of the application inside', () => {
    const lifespan: Lifespan = { startup() {} }
    const inner: Application = Object.assign(saying('x'), { lifespan })
    expect(staticFiles('/static', tree())(inner).lifespan).toBe(lifespan)
  })

  it('refuses to begin without a directory, or with a path that is none', () => {
    const option = expect.objectContaining({ code: 'TSGI_ERR_OPTION' })
    expect(() => staticFiles('/static', join(tree(), 'nowhere'))).toThrow(option)
    expect(() => staticFiles('static', tree())).toThrow(option)
  })
})
