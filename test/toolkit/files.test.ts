import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { Request, Response, safeJoin, secureFilename, sendFile, sendFromDirectory } from '../../src/toolkit/index.ts'
import type { SendFileOptions } from '../../src/toolkit/index.ts'
import { served } from '../middleware/served.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { call, environOf } from './called.ts'

const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const root = join(folder, 'root')
const large = Buffer.from(Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`).join(''))
mkdirSync(join(root, 'sub'), { recursive: true })
writeFileSync(join(folder, 'secret.txt'), 'secret')
writeFileSync(join(root, 'a.txt'), 'hello file')
writeFileSync(join(root, 'empty.html'), '')
writeFileSync(join(root, 'sub', 'ü b.bin'), 'x')
writeFileSync(join(root, 'large.bin'), large)
symlinkSync('self', join(root, 'self'))
symlinkSync(root, join(root, 'loop'))
const modified = new Date('2024-02-29T12:00:00.5Z')
for (const name of ['a.txt', 'large.bin']) utimesSync(join(root, name), modified, modified)

function get(path: string, variables: Readonly<Record<string, unknown>> = {}, options: SendFileOptions = {}) {
  const application = Request.application((request) => sendFromDirectory(request, root, request.path.slice(1), options))
  return call(application, environOf({ PATH_INFO: `/${path}`, ...variables }))
}

/** How many of the files here this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder)
    } catch {
      return false
    }
  }).length
}

/** Paths that lead out, or to no file, in all the ways that were ever tried. */
const TRAVERSALS = [
  '../secret.txt',
  '..',
  'sub/../../secret.txt',
  'sub/../..',
  './../secret.txt',
  'sub/./../../secret.txt',
  '/etc/passwd',
  '//etc/passwd',
  '..\\secret.txt',
  'sub\\..\\..\\secret.txt',
  '..\\/secret.txt',
  'a.txt\0.png',
  '\0',
  'c:/windows/win.ini',
  'C:win.ini',
  'a.txt::$DATA',
  '\\\\server\\share',
  'CON',
  'nul',
  'sub/aux.txt',
  'COM1',
  'com\u00b9.log',
  'LPT9.tar.gz',
  'con .txt',
  'CONIN$',
  'prn.',
  'x'.repeat(5000),
]

describe('safeJoin', () => {
  it.each(TRAVERSALS)('refuses %j', (path) => {
    expect(safeJoin('/srv', path)).toBeUndefined()
  })

  it.each([
    ['a.txt', '/srv/a.txt'],
    ['', '/srv'],
    ['a//b/./c/', '/srv/a/b/c'],
    ['a/../b', '/srv/b'],
    ['...', '/srv/...'],
    ['..a', '/srv/..a'],
    ['.hidden', '/srv/.hidden'],
    ['%2e%2e/x', '/srv/%2e%2e/x'],
    ['console.js', '/srv/console.js'],
    ['com10', '/srv/com10'],
    ['nullable.txt', '/srv/nullable.txt'],
  ])('takes %j', (path, joined) => {
    expect(safeJoin('/srv', path)).toBe(joined)
  })

  it('has each path stay below the one before', () => {
    expect(safeJoin('/srv', 'user', 'file')).toBe('/srv/user/file')
    expect(safeJoin('/srv', 'user', '../other')).toBeUndefined()
    expect(safeJoin('', 'x')).toBe('x')
  })
})

describe('secureFilename', () => {
  it.each([
    ['My cool movie.mov', 'My_cool_movie.mov'],
    ['../../../etc/passwd', 'etc_passwd'],
    ['i contain cool \xfcml\xe4uts.txt', 'i_contain_cool_umlauts.txt'],
    ['C:\\dir\\a.txt', 'C_dir_a.txt'],
    ['..', ''],
    ['', ''],
    ['\u4f60\u597d', ''],
    ['con.txt', '_con.txt'],
    ['NUL', '_NUL'],
    ['a\0b\r\nc', 'ab_c'],
    ['__a__', 'a'],
    ['.bashrc', 'bashrc'],
    ['<script>.html', 'script.html'],
  ])('makes of %j %j', (name, secure) => {
    expect(secureFilename(name)).toBe(secure)
  })

  it('is never longer than a file system takes, and keeps the extension', () => {
    expect(secureFilename(`${'x'.repeat(1000)}.txt`)).toMatch(/^x{250}\.txt$/)
    expect(secureFilename('.'.repeat(100_000)).length).toBe(0)
  })
})

describe('a file', () => {
  it('has a type, a length, a tag and a date', async () => {
    const answer = await get('a.txt')
    expect(answer).toMatchObject({ status: 200, text: 'hello file' })
    expect(Object.fromEntries(answer.headers)).toEqual({
      'accept-ranges': 'bytes',
      'cache-control': 'no-cache',
      'content-length': '10',
      'content-type': 'text/plain; charset=utf-8',
      etag: expect.stringMatching(/^"[0-9a-f]+-[0-9a-f]+"$/),
      'last-modified': 'Thu, 29 Feb 2024 12:00:00 GMT',
    })
    expect((await get('empty.html')).headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect((await get('empty.html')).headers.get('content-length')).toBe('0')
    expect(await get('sub/ü b.bin')).toMatchObject({ text: 'x', status: 200 })
    expect((await get('large.bin')).bytes.equals(large)).toBe(true)
  })

  it.each([...TRAVERSALS, 'absent', 'sub', 'sub/', '', 'a.txt/', 'a.txt/x', 'loop/'.repeat(500), 'x'.repeat(300)])(
    'that is none is not found: %j',
    async (path) => {
      expect((await get(path)).status).toBe(404)
    },
  )

  it('is not waited for, or read, when it is a socket or a FIFO', async () => {
    execFileSync('mkfifo', [join(root, 'fifo')])
    const server = createServer().listen(join(root, 'socket'))
    onTestFinished(() => void server.close())
    expect((await get('fifo')).status).toBe(404)
    expect((await get('socket')).status).toBe(404)
  })

  it('answers conditions', async () => {
    const first = await get('a.txt')
    const etag = first.headers.get('etag') ?? ''
    const statusFor = async (variables: object) => (await get('a.txt', variables as Record<string, unknown>)).status
    expect(await statusFor({ HTTP_IF_NONE_MATCH: etag })).toBe(304)
    expect(await statusFor({ HTTP_IF_NONE_MATCH: `"x", W/${etag}` })).toBe(304)
    expect(await statusFor({ HTTP_IF_NONE_MATCH: '*' })).toBe(304)
    expect(await statusFor({ HTTP_IF_NONE_MATCH: '"x"', HTTP_IF_MODIFIED_SINCE: 'Thu, 29 Feb 2024 12:00:00 GMT' })).toBe(200)
    expect(await statusFor({ HTTP_IF_MODIFIED_SINCE: 'Thu, 29 Feb 2024 12:00:00 GMT' })).toBe(304)
    expect(await statusFor({ HTTP_IF_MODIFIED_SINCE: 'Thu, 29 Feb 2024 11:59:59 GMT' })).toBe(200)
    expect(await statusFor({ HTTP_IF_MODIFIED_SINCE: 'Thursday' })).toBe(200)
    expect(await statusFor({ HTTP_IF_MATCH: '"x"' })).toBe(412)
    expect(await statusFor({ HTTP_IF_MATCH: `W/${etag}` })).toBe(412)
    expect(await statusFor({ HTTP_IF_MATCH: etag })).toBe(200)
    expect(await statusFor({ HTTP_IF_UNMODIFIED_SINCE: 'Thu, 29 Feb 2024 11:59:59 GMT' })).toBe(412)
    const unchanged = await get('a.txt', { HTTP_IF_NONE_MATCH: etag })
    expect(Object.keys(Object.fromEntries(unchanged.headers))).toEqual(['cache-control', 'etag'])
    expect(unchanged.text).toBe('')
    expect(await get('a.txt', { REQUEST_METHOD: 'HEAD' })).toMatchObject({ status: 200, text: '' })
    expect((await get('a.txt', { HTTP_IF_NONE_MATCH: etag }, { conditional: false })).status).toBe(200)
  })

  it.each([
    ['bytes=0-4', 206, 'hello', 'bytes 0-4/10'],
    ['bytes=6-', 206, 'file', 'bytes 6-9/10'],
    ['bytes=-4', 206, 'file', 'bytes 6-9/10'],
    ['bytes=-100', 206, 'hello file', 'bytes 0-9/10'],
    ['bytes=5-100', 206, ' file', 'bytes 5-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 200, 'hello file', null],
    ['bytes=5-4', 200, 'hello file', null],
    ['bytes=0-1,3-4', 200, 'hello file', null],
    ['lines=0-1', 200, 'hello file', null],
    ['bytes=a-b', 200, 'hello file', null],
    ['bytes', 200, 'hello file', null],
    [`bytes=${'0-0,'.repeat(1000)}0-0`, 200, 'hello file', null],
    ['bytes=99999999999999999999-', 200, 'hello file', null],
  ])('answers the range %j with %i', async (range, status, text, contentRange) => {
    const answer = await get('a.txt', { HTTP_RANGE: range })
    expect([answer.status, answer.text, answer.headers.get('content-range')]).toEqual([status, text, contentRange])
    expect(answer.headers.get('content-length')).toBe(String(text.length))
  })

  it('answers a range only of what the client has the rest of', async () => {
    const etag = (await get('a.txt')).headers.get('etag')
    const statusFor = async (ifRange: string) => (await get('a.txt', { HTTP_RANGE: 'bytes=0-1', HTTP_IF_RANGE: ifRange })).status
    expect(await statusFor(String(etag))).toBe(206)
    expect(await statusFor(`W/${etag}`)).toBe(200)
    expect(await statusFor('"x"')).toBe(200)
    expect(await statusFor('Thu, 29 Feb 2024 12:00:00 GMT')).toBe(206)
    expect(await statusFor('Thu, 29 Feb 2024 12:00:01 GMT')).toBe(200)
    expect(await statusFor('nonsense')).toBe(200)
  })

  it('gives any range of a large one', async () => {
    for (const [start, end] of [
      [0, 0],
      [131_071, 131_072],
      [1000, 700_000],
      [large.length - 1, large.length - 1],
    ] as const) {
      const answer = await get('large.bin', { HTTP_RANGE: `bytes=${start}-${end}` })
      expect(answer.bytes.equals(large.subarray(start, end + 1))).toBe(true)
    }
  })

  it('may be one to save, by any name', async () => {
    const disposition = async (options: SendFileOptions) => (await get('a.txt', {}, options)).headers.get('content-disposition')
    expect(await disposition({ asAttachment: true })).toBe('attachment; filename=a.txt')
    expect(await disposition({ downloadName: 'b c.txt' })).toBe('inline; filename="b c.txt"')
    expect(await disposition({ asAttachment: true, downloadName: 'ü".txt\r\n' })).toBe(
      `attachment; filename="?\\".txt??"; filename*=UTF-8''%C3%BC%22.txt%0D%0A`,
    )
  })

  it('has the type, tag and date that it is given, and may be kept for a while', async () => {
    const answer = await get('a.txt', {}, { mimetype: 'a/b', etag: 'mine', lastModified: new Date(0), maxAge: 60 })
    expect(answer.headers.get('content-type')).toBe('a/b')
    expect(answer.headers.get('etag')).toBe('"mine"')
    expect(answer.headers.get('last-modified')).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=60')
    expect((await get('a.txt', {}, { etag: false })).headers.has('etag')).toBe(false)
  })

  it('is left to the proxy where it is told so', async () => {
    const accelRedirect = { [join(root, 'sub')]: '/protected/' }
    const handed = await get('sub/ü b.bin', {}, { accelRedirect })
    expect(handed.headers.get('x-accel-redirect')).toBe('/protected/%C3%BC%20b.bin')
    expect([handed.text, handed.headers.get('content-length')]).toEqual(['', '0'])
    expect((await get('a.txt', {}, { accelRedirect })).text).toBe('hello file')
    const sent = await get('sub/ü b.bin', {}, { xSendfile: true })
    expect(sent.headers.get('x-sendfile')).toBe(`${root}/sub/%C3%BC%20b.bin`)
  })

  requires('proc').test('is closed whatever happens', async () => {
    const etag = (await get('large.bin')).headers.get('etag')
    await get('large.bin', { REQUEST_METHOD: 'HEAD' })
    await get('large.bin', { HTTP_IF_NONE_MATCH: etag })
    await get('large.bin', { HTTP_RANGE: 'bytes=5-10' })
    await get('large.bin', { HTTP_RANGE: 'bytes=99999999-' })
    await get('large.bin', {}, { xSendfile: true })
    await expect(get('large.bin', {}, { etag: 'a b' })).rejects.toThrow('ETag')
    await (await sendFile(environOf(), join(root, 'large.bin'))).close()
    await until(() => openFiles() === 0, 'the files to be closed')
  })

  requires('proc').test('is closed when the client leaves in the middle', async () => {
    const { base } = await served(Request.application((request) => sendFile(request, join(root, 'large.bin'))))
    await new Promise<void>((resolve, reject) => {
      const sent = httpRequest(base, (response) => {
        response.once('data', () => {
          response.destroy()
          resolve()
        })
      })
      sent.on('error', reject).end()
    })
    await until(() => openFiles() === 0, 'the files to be closed')
    expect((await fetch(base, { headers: { Range: 'bytes=0-3' } })).status).toBe(206)
  })
})

describe('makeConditional', () => {
  it('answers ranges of any body whose length is known', async () => {
    const ranged = environOf({ HTTP_RANGE: 'bytes=2-4' })
    async function* chunks() {
      yield 'ab'
      yield 'cdef'
      throw new Error('not to be read')
    }
    expect(await call(new Response('abcdef').makeConditional(ranged))).toMatchObject({ status: 206, text: 'cde' })
    expect(await call(new Response(['ab', 'cdef']).makeConditional(ranged))).toMatchObject({ status: 206, text: 'cde' })
    const streamed = new Response(chunks()).makeConditional(ranged, { completeLength: 6 })
    expect(await call(streamed)).toMatchObject({ status: 206, text: 'cde' })
    expect((await call(new Response('abcdef').makeConditional(ranged, { acceptRanges: false }))).status).toBe(200)
    expect((await call(new Response('abcdef', { status: 201 }).makeConditional(ranged))).status).toBe(201)
    expect(
      (await call(new Response('x').makeConditional(environOf({ REQUEST_METHOD: 'POST', HTTP_IF_NONE_MATCH: '*' })))).status,
    ).toBe(200)
  })

  it('has a tag made of the body', async () => {
    const etag = new Response('x').addEtag().headers.get('etag')
    expect(etag).toMatch(/^"[\w-]{27}"$/)
    const again = new Response('x').addEtag().makeConditional(environOf({ HTTP_IF_NONE_MATCH: etag }))
    expect(await call(again)).toMatchObject({ status: 304, text: '' })
    expect(new Response('x').setEtag('y').addEtag().getEtag()).toEqual({ tag: 'y', weak: false })
  })
})
