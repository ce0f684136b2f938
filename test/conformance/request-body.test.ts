import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Application, InputStream } from '../../src/interface/application.ts'
import { application as bodyDigest } from '../fixtures/apps/body-digest.ts'
import { application as echoBody } from '../fixtures/apps/echo-body.ts'
import { latin1, latin1Text, pattern } from '../wire/bytes.ts'
import { EVERY_WAY, expectComplete, over } from './bench.ts'

/** Answers with what `read` makes of the body, as JSON. */
function reading(read: (input: InputStream) => Promise<unknown>): Application {
  return async (environ, startResponse) => {
    const result = await read(environ['tsgi.input'])
    startResponse('200 OK', [['Content-Type', 'application/json']])
    return JSON.stringify(result)
  }
}

over(EVERY_WAY, 'tsgi.input', (bench) => {
  async function read(body: Uint8Array, how: (input: InputStream) => Promise<unknown>): Promise<unknown> {
    bench.use(reading(how))
    const answer = await bench.send({ method: 'POST', body })
    expectComplete(answer)
    return JSON.parse(answer.text)
  }

  it.each([1, 10, 1000, 65_535, 65_536, 200_000])('[3] gives a body of %d bytes unchanged', async (length) => {
    bench.use(echoBody)
    const body = pattern(length)
    const answer = await bench.send({ method: 'POST', body })
    expectComplete(answer)
    expect(Buffer.compare(answer.body, body)).toBe(0)
  })

  it('gives a body of 3 MB as it comes', async () => {
    bench.use(bodyDigest)
    const body = pattern(3_000_000)
    const answer = await bench.send({ method: 'POST', body })
    expect(answer.text).toBe(`3000000 ${createHash('sha256').update(body).digest('hex')}`)
  })

  it('[18] is at its end at once where there is no body', async () => {
    bench.use(
      reading(async (input) => {
        const results = [(await input.read()).length, (await input.read(5)).length, (await input.readline()).length]
        return [...results, (await input.readlines()).length]
      }),
    )
    const answer = await bench.send({})
    expect(JSON.parse(answer.text)).toEqual([0, 0, 0, 0])
  })

  it('read(size) gives exactly size bytes until the body ends, then none', async () => {
    const sizes = await read(latin1('x'.repeat(25)), async (input) => {
      const lengths: number[] = []
      for (let i = 0; i < 5; i++) lengths.push((await input.read(10)).length)
      return lengths
    })
    expect(sizes).toEqual([10, 10, 5, 0, 0])
  })

  it('read(size) does not depend on how the body came', async () => {
    bench.use(
      reading(async (input) => [
        latin1Text(await input.read(4)),
        latin1Text(await input.read(4)),
        latin1Text(await input.read()),
      ]),
    )
    const exchange = await bench.begin({ method: 'POST', length: 10 })
    for (const piece of ['a', 'bc', 'defg', 'hij']) {
      await exchange.sendBody(latin1(piece))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await exchange.endBody()
    const answer = await exchange.answer()
    exchange.leave()
    expect(JSON.parse(answer.text)).toEqual(['abcd', 'efgh', 'ij'])
  })

  it('read(0) gives nothing and takes nothing', async () => {
    expect(await read(latin1('abc'), async (input) => [(await input.read(0)).length, latin1Text(await input.read())])).toEqual([
      0,
      'abc',
    ])
  })

  it('readline gives lines with their ends, and the last without one', async () => {
    const lines = await read(latin1('one\ntwo\r\n\nlast'), async (input) => {
      const found: string[] = []
      for (let line = await input.readline(); line.length > 0; line = await input.readline()) found.push(latin1Text(line))
      return found
    })
    expect(lines).toEqual(['one\n', 'two\r\n', '\n', 'last'])
  })

  it('readline(size) gives no more than size bytes of a line', async () => {
    const lines = await read(latin1('abcdef\ngh\n'), async (input) => [
      latin1Text(await input.readline(4)),
      latin1Text(await input.readline(4)),
      latin1Text(await input.readline(4)),
      latin1Text(await input.readline(4)),
    ])
    expect(lines).toEqual(['abcd', 'ef\n', 'gh\n', ''])
  })

  it('readline finds a line longer than any buffer', async () => {
    const body = latin1(`${'x'.repeat(300_000)}\nrest`)
    expect(await read(body, async (input) => [(await input.readline()).length, latin1Text(await input.readline())])).toEqual([
      300_001,
      'rest',
    ])
  })

  it('readlines gives all lines, or stops behind the line in which hint is reached', async () => {
    const text = 'aaa\nbbb\nccc\nddd'
    expect(await read(latin1(text), async (input) => (await input.readlines()).map(latin1Text))).toEqual([
      'aaa\n',
      'bbb\n',
      'ccc\n',
      'ddd',
    ])
    expect(
      await read(latin1(text), async (input) => [(await input.readlines(5)).map(latin1Text), latin1Text(await input.read())]),
    ).toEqual([['aaa\n', 'bbb\n'], 'ccc\nddd'])
  })

  it('goes on where another way of reading has stopped', async () => {
    const result = await read(latin1('line one\nline two\nthe rest of it'), async (input) => {
      const first = latin1Text(await input.readline())
      const some = latin1Text(await input.read(4))
      let rest = ''
      for await (const chunk of input) rest += latin1Text(chunk)
      return [first, some, rest, (await input.read()).length]
    })
    expect(result).toEqual(['line one\n', 'line', ' two\nthe rest of it', 0])
  })

  it('iterates over chunks that are never empty', async () => {
    const result = await read(pattern(150_000), async (input) => {
      let bytes = 0
      let empty = 0
      for await (const chunk of input) {
        bytes += chunk.length
        if (chunk.length === 0) empty++
      }
      return { bytes, empty }
    })
    expect(result).toEqual({ bytes: 150_000, empty: 0 })
  })

  it('keeps what was read: a later chunk does not write over it', async () => {
    const result = await read(pattern(200_000), async (input) => {
      const chunks: Uint8Array[] = []
      const hashes: string[] = []
      const digest = (chunk: Uint8Array): string => createHash('sha256').update(chunk).digest('hex')
      for await (const chunk of input) {
        chunks.push(chunk)
        hashes.push(digest(chunk))
      }
      return chunks.every((chunk, index) => digest(chunk) === hashes[index])
    })
    expect(result).toBe(true)
  })

  it('keeps requests apart that come at the same time, piece by piece', async () => {
    bench.use(async (environ, startResponse) => {
      const input = environ['tsgi.input']
      const first = await input.read(5)
      await new Promise((resolve) => setImmediate(resolve))
      const line = await input.readline()
      const rest = await input.read()
      startResponse('200 OK', [['X-Name', String(environ.HTTP_X_NAME)]])
      return [environ.PATH_INFO, ' ', first, line, rest]
    })
    const texts = Array.from({ length: 20 }, (_, i) => `${String(i).repeat(100)}\n${String.fromCharCode(97 + i).repeat(2000)}`)
    const answers = await Promise.all(
      texts.map(async (text, i) => {
        const exchange = await bench.begin({
          method: 'POST',
          target: `/number/${i}`,
          headers: [['X-Name', `name ${i}`]],
          length: text.length,
        })
        for (let at = 0; at < text.length; at += 83) {
          await exchange.sendBody(latin1(text.slice(at, at + 83)))
          await new Promise((resolve) => setImmediate(resolve))
        }
        await exchange.endBody()
        const answer = await exchange.answer()
        exchange.leave()
        return answer
      }),
    )
    for (const [i, answer] of answers.entries()) {
      expectComplete(answer)
      expect(answer.all('x-name')).toEqual([`name ${i}`])
      expect(answer.text).toBe(`/number/${i} ${texts[i]}`)
    }
  })
})
