import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RequestInput } from '../../src/gateway/input.ts'
import { concat, hex, latin1, latin1Text, pattern } from '../wire/bytes.ts'

/** A body that is pushed by the test, and what the input asks of its source. */
function pushed(): { input: RequestInput; source: { paused: boolean } } {
  const source = {
    paused: false,
    pauseInput() {
      this.paused = true
    },
    resumeInput() {
      this.paused = false
    },
  }
  return { input: new RequestInput(source), source }
}

/** Pushes pieces one turn after the other, as a connection does, as long as it is not paused. */
async function feed(input: RequestInput, source: { paused: boolean }, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) {
    while (source.paused) await new Promise((resolve) => setImmediate(resolve))
    input.push(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  input.end()
}

describe('RequestInput', () => {
  it('gives the same for any pieces and any reads', async () => {
    const piece = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => bytes.map((byte) => (byte % 5 === 0 ? 10 : byte)))
    const read = fc.oneof(
      fc.record({ how: fc.constant('read' as const), size: fc.integer({ min: 0, max: 60 }) }),
      fc.record({ how: fc.constant('readline' as const), size: fc.integer({ min: 1, max: 60 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.array(read, { maxLength: 12 }), async (pieces, reads) => {
        const { input, source } = pushed()
        const whole = concat(pieces)
        const feeding = feed(input, source, pieces)
        let at = 0
        for (const { how, size } of reads) {
          let end = Math.min(at + size, whole.length)
          if (how === 'readline') {
            const lineEnd = whole.indexOf(10, at)
            if (lineEnd >= 0) end = Math.min(end, lineEnd + 1)
          }
          expect(hex(how === 'read' ? await input.read(size) : await input.readline(size))).toBe(hex(whole.subarray(at, end)))
          at = end
        }
        expect(hex(await input.read())).toBe(hex(whole.subarray(at)))
        await feeding
      }),
      { seed: 20_140_406, numRuns: 100 },
    )
  })

  it('asks its source to wait when nobody reads, and to go on when somebody does', async () => {
    const { input, source } = pushed()
    let bytes = 0
    while (!source.paused) {
      input.push(pattern(16 * 1024))
      bytes += 16 * 1024
      expect(bytes, 'held for nobody').toBeLessThanOrEqual(256 * 1024)
    }
    expect((await input.read(bytes)).length).toBe(bytes)
    expect(source.paused).toBe(false)
  })

  it('goes on by itself inside a read that is larger than what it holds', async () => {
    const { input, source } = pushed()
    const body = pattern(1_000_000)
    const pieces = Array.from({ length: 50 }, (_, i) => body.subarray(i * 20_000, (i + 1) * 20_000))
    const [read] = await Promise.all([input.read(1_000_000), feed(input, source, pieces)])
    expect(Buffer.compare(read, body)).toBe(0)
  })

  it.each(['read', 'readline', 'readlines', 'iteration'])('fails a waiting %s when the client leaves', async (how) => {
    const { input } = pushed()
    const failure = new Error('the client left')
    const reading =
      how === 'read'
        ? input.read()
        : how === 'readline'
          ? input.readline()
          : how === 'readlines'
            ? input.readlines()
            : (async () => {
                for await (const _ of input);
              })()
    input.push(latin1('a part'))
    await new Promise((resolve) => setImmediate(resolve))
    input.fail(failure)
    await expect(reading).rejects.toBe(failure)
  })

  it('fails later reads too: what was lost never looks like the end', async () => {
    const { input } = pushed()
    const failure = new Error('the client left')
    input.push(latin1('a part'))
    input.fail(failure)
    expect(latin1Text(await input.read(3))).toBe('a p')
    await expect(input.read()).rejects.toBe(failure)
    await expect(input.read(100)).rejects.toBe(failure)
  })

  it('stays failed when an end follows', async () => {
    const { input } = pushed()
    const failure = new Error('too many bytes')
    input.push(latin1('a part'))
    input.fail(failure)
    input.end()
    await expect(input.read()).rejects.toBe(failure)
  })

  it('stays whole when a failure follows the end', async () => {
    const { input } = pushed()
    input.push(latin1('whole'))
    input.end()
    input.fail(new Error('the client left'))
    expect(latin1Text(await input.read())).toBe('whole')
  })

  it('refuses two reads at the same time, in place of mixing them up', async () => {
    const { input } = pushed()
    const first = input.read(10)
    await expect(input.read(10)).rejects.toThrow()
    input.push(latin1('0123456789'))
    expect(latin1Text(await first)).toBe('0123456789')
  })
})
