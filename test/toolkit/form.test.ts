import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { FileStorage, HTTPException, MultipartDecoder, Request, Response } from '../../src/toolkit/index.ts'
import type { RequestOptions } from '../../src/toolkit/index.ts'
import { served } from '../middleware/served.ts'
import { call, environOf, pieces } from './called.ts'

const TYPE = 'multipart/form-data; boundary=b0undary'

/** A part: its name, further parameters of its disposition, and what is in it. */
function part(name: string, content: string, more = ''): string {
  return `--b0undary\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`
}
const END = '--b0undary--\r\n'

function request(body: string | Uint8Array, options: RequestOptions = {}, size = 65536, type = TYPE): Request {
  return new Request(environOf({ REQUEST_METHOD: 'POST', CONTENT_TYPE: type }, pieces(body, size)), options)
}

async function statusOf(body: string | Uint8Array, options: RequestOptions = {}, size = 65536, type = TYPE): Promise<number> {
  const made = request(body, options, size, type)
  try {
    await made.form()
    await made.close()
    return 200
  } catch (error) {
    if (error instanceof HTTPException) return error.status
    throw error
  }
}

// A temporary directory of its own: others upload at the same time.
const folder = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
process.env.TMPDIR = folder
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What uploads have on the disk now. */
function leftovers(): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('tsgi-upload-'))
}

describe('a multipart form', () => {
  const body = [
    part('text', 'grün\r\n--b0undar'),
    part('empty', ''),
    part('quoted%22name', 'x'),
    part('file', '\0\r\n\r\n--b0', '; filename="C:\\dir\\ü.txt"\r\nContent-Type: text/plain'),
    part('text', 'again'),
    END,
  ].join('')

  it.each([1, 2, 3, 7, 16, 100, 65536])('is read in pieces of %i bytes', async (size) => {
    const made = request(body, {}, size)
    expect((await made.form()).toJSON()).toEqual({ text: ['grün\r\n--b0undar', 'again'], empty: [''], 'quoted"name': ['x'] })
    const file = (await made.files()).get('file')
    expect(file).toMatchObject({ name: 'file', filename: 'C:\\dir\\ü.txt', contentType: 'text/plain', size: 9, inMemory: true })
    expect(await file?.text()).toBe('\0\r\n\r\n--b0')
  })

  it('is read as the built-in FormData writes it', async () => {
    const form = new FormData()
    form.append('a', 'line\nline')
    form.append('ü"\r\n', '€')
    form.append('file', new File([new Uint8Array([0, 255, 13, 10])], 'a "b".bin', { type: 'application/x-thing' }))
    const sent = new globalThis.Response(form)
    const made = request(new Uint8Array(await sent.arrayBuffer()), {}, 10, sent.headers.get('content-type') ?? '')
    expect([...(await made.form())]).toEqual([
      ['a', 'line\r\nline'],
      ['ü"\r\n', '€'],
    ])
    const file = (await made.files()).get('file')
    expect(file).toMatchObject({ filename: 'a "b".bin', mimetype: 'application/x-thing' })
    expect(await file?.bytes()).toEqual(Buffer.from([0, 255, 13, 10]))
  })

  it('gives back any content, wherever it is cut', async () => {
    const contents = fc.array(fc.constantFrom('\r', '\n', '-', '--', '\r\n--', 'b0undary', '--b0undar', '\r\n', 'x'), {
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(contents, { maxLength: 4 }), fc.integer({ min: 1, max: 40 }), async (lists, size) => {
        const texts = lists.map((list) => list.join('')).filter((text) => !`\r\n${text}\r\n`.includes('\r\n--b0undary'))
        const form = await request(texts.map((text) => part('f', text)).join('') + END, {}, size).form()
        expect(form.getList('f')).toEqual(texts)
      }),
      { numRuns: 200 },
    )
  })

  it('may have a part without a body, a preamble, white space behind a boundary and anything behind the end', async () => {
    const odd =
      'preamble\r\n--b0undary \t\r\nContent-Disposition: form-data; name=a\r\n\r\n--b0undary\r\ncontent-disposition: form-data; name=b\r\n\r\nx\r\n--b0undary--epilogue'
    for (const size of [1, 5, 1000]) expect((await request(odd, {}, size).form()).toJSON()).toEqual({ a: [''], b: ['x'] })
  })

  it('reads a field in the charset that it names', async () => {
    const field = Buffer.from(part('a', 'ü', '\r\nContent-Type: text/plain; charset=iso-8859-1') + END, 'latin1')
    expect((await request(field).form()).get('a')).toBe('ü')
  })

  it.each([
    ['nothing at all', ''],
    ['no end', part('a', 'x')],
    ['half an end', `${part('a', 'x')}--b0undary-`],
    ['another boundary', `--other\r\n\r\n`],
    ['a boundary with more behind it', `--b0undaryX\r\n\r\n`],
    ['a part without a name', `--b0undary\r\nContent-Disposition: form-data\r\n\r\nx\r\n${END}`],
    ['a part without a disposition', `--b0undary\r\nContent-Type: text/plain\r\n\r\nx\r\n${END}`],
    ['a part without fields', `--b0undary\r\n\r\nx\r\n${END}`],
    ['a part of another kind', `--b0undary\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n${END}`],
    [
      'two names',
      `--b0undary\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\nx\r\n${END}`,
    ],
    ['a folded field', `--b0undary\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\nx\r\n${END}`],
    ['a field without a colon', `--b0undary\r\nContent-Disposition\r\n\r\nx\r\n${END}`],
    ['a NUL in a field', `--b0undary\r\nContent-Disposition: form-data; name="a\0"\r\n\r\nx\r\n${END}`],
    ['a bare line end in a field', `--b0undary\r\nContent-Disposition: form-data; name="a\nb"\r\n\r\nx\r\n${END}`],
    ['bare line ends', `--b0undary\nContent-Disposition: form-data; name=a\n\nx\n--b0undary--\n`],
    ['base64', part('a', 'eA==', '\r\nContent-Transfer-Encoding: base64') + END],
  ])('with %s is refused with 400', async (_, malformed) => {
    for (const size of [1, 11, 65536]) expect(await statusOf(malformed, {}, size)).toBe(400)
  })

  it.each([
    '',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'multipart/form-data; boundary="a\\"b"',
  ])('of type %j has no boundary: 400, or no form at all', async (type) => {
    expect(await statusOf(part('a', 'x') + END, {}, 65536, type)).toBe(type === '' ? 200 : 400)
  })
})

describe('a flood', () => {
  it('of parts is refused with 413', async () => {
    const options = { maxFormParts: 10 }
    expect(await statusOf(part('a', 'x').repeat(10) + END, options)).toBe(200)
    expect(await statusOf(part('a', 'x').repeat(11) + END, options)).toBe(413)
    expect(await statusOf(part('a', 'x').repeat(1001) + END)).toBe(413)
    expect(await statusOf(part('f', '', '; filename=a').repeat(1001) + END)).toBe(413)
  })

  it('of url-encoded fields is refused with 413', async () => {
    const type = 'application/x-www-form-urlencoded'
    expect(await statusOf('a&'.repeat(999) + 'a', {}, 65536, type)).toBe(200)
    expect(await statusOf('a&'.repeat(1000) + 'a', {}, 65536, type)).toBe(413)
    expect(await statusOf('a'.repeat(500_001), {}, 65536, type)).toBe(413)
    expect(await statusOf('a=1', {}, 65536, `${type}; charset=utf-16`)).toBe(415)
  })

  it('of field bytes, values or names, is refused with 413', async () => {
    expect(await statusOf(part('a', 'x'.repeat(499_000)) + END)).toBe(200)
    expect(await statusOf(part('a', 'x'.repeat(500_001)) + END)).toBe(413)
    expect(await statusOf(part('a', 'x'.repeat(100_000)).repeat(6) + END)).toBe(413)
    expect(await statusOf(part('n'.repeat(6000), '').repeat(100) + END)).toBe(413)
  })

  it('of header bytes or fields in a part is refused with 431', async () => {
    expect(await statusOf(part('a', 'x', `; x=${'y'.repeat(9000)}`) + END)).toBe(431)
    expect(await statusOf(`--b0undary\r\n${'x'.repeat(20_000)}`, {}, 1000)).toBe(431)
    expect(await statusOf(part('a', 'x', '\r\nX: y'.repeat(20)) + END)).toBe(431)
  })

  it('of bytes before or in a boundary is refused with 400, however long it goes on', async () => {
    let taken = 0
    const endless = {
      async *[Symbol.asyncIterator]() {
        for (; ; taken++) yield Buffer.alloc(1000, '-')
      },
    }
    const variables = { REQUEST_METHOD: 'POST', CONTENT_TYPE: TYPE, 'tsgi.input': endless }
    await expect(new Request(environOf(variables)).form()).rejects.toMatchObject({ status: 400 })
    expect(taken).toBeLessThan(5)
    expect(await statusOf(`--b0undary${' '.repeat(100)}`)).toBe(400)
    expect(await statusOf('\r\n--b0undar'.repeat(1000))).toBe(400)
  })

  it('of files is refused with 413, and leaves nothing behind', async () => {
    const before = leftovers()
    const large = part('f', 'x'.repeat(700_000), '; filename=a')
    expect(await statusOf(large + END, { maxFileSize: 699_999 })).toBe(413)
    expect(await statusOf(large + END, { maxFileSize: 700_000 })).toBe(200)
    expect(await statusOf(large + part('g', 'x'.repeat(600_000)) + END)).toBe(413)
    expect(await statusOf(large)).toBe(400)
    expect(leftovers()).toEqual(before)
  })

  it('of single bytes costs no object for each', () => {
    const decoder = new MultipartDecoder('b0undary', { maxParts: 10, maxPartHeaderSize: 8192 })
    const body = Buffer.from(part('a', '\r\n--b0undar'.repeat(5000)) + END)
    const startMs = performance.now()
    let data = 0
    for (const byte of body)
      for (const event of decoder.push(Uint8Array.of(byte))) if (event.kind === 'data') data += event.data.length
    decoder.finish()
    expect(data).toBe(55_000)
    // Quadratic, it would take minutes.
    expect(performance.now() - startMs).toBeLessThan(5000)
  })
})

describe('an uploaded file', () => {
  const content = 'x'.repeat(600_000)
  const body = part('small', 'small', '; filename=s.txt') + part('large', content, '; filename=l.txt') + END

  it('is in memory when it is small, and else in a file that nobody else can read', async () => {
    const made = request(body)
    onTestFinished(() => made.close())
    const files = await made.files()
    expect(files.get('small')?.inMemory).toBe(true)
    const large = files.get('large')
    expect(large).toMatchObject({ inMemory: false, size: 600_000 })
    const stream = large?.stream()
    const path = stream !== undefined && 'path' in stream ? String(stream.path) : ''
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
    stream?.destroy()
    expect(await large?.text()).toBe(content)
    await made.close()
    expect(existsSync(dirname(path))).toBe(false)
  })

  it.each(['small', 'large'])('%s is saved to a path or a stream', async (name) => {
    const made = request(body)
    onTestFinished(() => made.close())
    const file = (await made.files()).get(name)
    if (file === undefined) throw new Error('no file')
    const target = join(folder, `saved ${name}`)
    await file.save(target)
    expect(await readFile(target, 'utf8')).toBe(await file.text())
    expect(statSync(target).mode & 0o077).not.toBe(0)
    await expect(file.save(target, { overwrite: false })).rejects.toMatchObject({ code: 'EEXIST' })
    const sink = new PassThrough({ highWaterMark: 1_000_000 })
    await file.save(sink)
    expect(Buffer.concat(await sink.toArray()).toString()).toBe(await file.text())
    await file.close()
    expect(() => file.size).toThrow('closed')
  })

  it('is removed when the response of Request.application has ended, whatever becomes of that', async () => {
    const before = leftovers()
    let during = 0
    const outcomes = [
      () => new Response('ok'),
      () => new Response(null, { status: 204 }),
      () => {
        throw new Error('broken')
      },
      () => {
        throw new HTTPException(422)
      },
    ]
    for (const outcome of outcomes) {
      const application = Request.application(async (made) => {
        await made.files()
        during = leftovers().length
        return outcome()
      })
      await call(application, environOf({ REQUEST_METHOD: 'POST', CONTENT_TYPE: TYPE }, [body])).catch(() => {})
      expect(during).toBe(before.length + 1)
      expect(leftovers()).toEqual(before)
    }
  })

  it('goes the whole way through a server', async () => {
    const application = Request.application(async (made) => {
      const file = (await made.files()).get('file')
      return Response.json({ form: (await made.form()).toJSON(), size: file?.size, disk: file?.inMemory === false })
    })
    const { base, errors } = await served(application)
    const form = new FormData()
    form.append('name', 'ü')
    form.append('file', new File([new Uint8Array(2_000_000)], 'zeros'))
    const answer = await fetch(base, { method: 'POST', body: form })
    expect(await answer.json()).toEqual({ form: { name: ['ü'] }, size: 2_000_000, disk: true })
    expect(errors).toEqual([])
  })

  it('may be made by hand, for tests', async () => {
    const file = new FileStorage(Buffer.from('abc'), { filename: 'a' })
    expect([file.size, file.contentType, await file.text()]).toEqual([3, 'application/octet-stream', 'abc'])
  })
})
