import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { UwsgiDecoder } from '../../src/protocol/uwsgi/index.ts'
import { parseVector } from '../protocol/vector.ts'
import { requires } from '../support/requirements.ts'
import { latin1, latin1Text } from '../wire/bytes.ts'
import { uwsgiPacket, uwsgiVars } from '../wire/uwsgi.ts'
import { fuzz } from './engine.ts'
import { Finding } from './target.ts'
import type { Target } from './target.ts'
import { vectorText } from './vector-text.ts'

const FULL_MS = 600_000

/** `npm run fuzz` with these options: its exit code and what it has said. */
function run(...options: string[]): Promise<{ code: number | null; said: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', '@oxc-node/core/register', main, ...options])
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })))
}

const SEED: Uint8Array = uwsgiPacket(uwsgiVars(['REQUEST_METHOD', 'GET', 'REQUEST_URI', '/', 'HTTP_HOST', 'a.test']))

/** A reader with a mistake: it fails for a request of this kind only. */
function faulty(fault: (params: readonly string[]) => boolean): Target {
  return {
    name: 'faulty',
    share: 1,
    covers: ['protocol/uwsgi/'],
    dictionary: ['POST', 'PUT'],
    seeds: [SEED],
    run: (input) => {
      const decoder = new UwsgiDecoder()
      try {
        decoder.push(input)
        const event = decoder.next()
        if (event?.type === 'request' && fault(event.params)) throw new Finding('the mistake')
      } catch (error) {
        if (error instanceof Finding) throw error
      }
    },
  }
}

describe('the fuzzer', () => {
  it('finds a mistake, and makes plain the input that shows it', async () => {
    const target = faulty((params) => params.includes('PUT'))
    const result = await fuzz(target, { inputs: 50_000, seed: 1, onInput: () => {}, onProgress: () => {} })
    expect(result.failure?.problem).toContain('the mistake')
    const input = result.failure?.input ?? new Uint8Array(0)
    expect(latin1Text(input)).toContain('PUT')
    expect(latin1Text(input)).not.toMatch(/REQUEST_URI|a\.test/)
  })

  it('finds nothing where there is nothing, and keeps what reaches other code', async () => {
    const result = await fuzz(
      faulty(() => false),
      { inputs: 3000, seed: 1, onInput: () => {}, onProgress: () => {} },
    )
    expect(result).toMatchObject({ inputs: 3000, failure: undefined })
    expect(result.corpus).toBeGreaterThan(1)
    expect(result.executed).toBeGreaterThan(100)
  })

  it('does the same again with the same seed', async () => {
    const inputs = async (seed: number): Promise<string[]> => {
      const seen: string[] = []
      const onInput = (input: Uint8Array): void => void seen.push(latin1Text(input))
      await fuzz({ ...faulty(() => false), covers: [] }, { inputs: 200, seed, onInput, onProgress: () => {} })
      return seen
    }
    const first = await inputs(5)
    expect(await inputs(5)).toEqual(first)
    expect(await inputs(6)).not.toEqual(first)
  })

  it('writes inputs down so that they can be read', () => {
    for (const text of [
      '',
      "it's",
      '\0'.repeat(20),
      'GET / HTTP/1.1\r\n\r\n',
      'a'.repeat(500),
      '\xff\xfe\x01ab',
      '0x'.repeat(90),
    ]) {
      const bytes = latin1(`x${text}`)
      expect(latin1Text(parseVector('test', vectorText('a test', bytes)).bytes)).toBe(latin1Text(bytes))
    }
  })
})

describe('npm run fuzz', () => {
  it('finds nothing in any target, with what was found before and a few more', { timeout: 120_000 }, async () => {
    const { code, said } = await run('--inputs', '1500', '--seed', '1')
    expect(said).toContain(' 0 failures')
    expect(code).toBe(0)
  })

  requires('full').test(
    'finds nothing in 100,000 inputs: nothing crashes, hangs or grows, and no request is served that was not sent',
    async () => {
      const { code, said } = await run('--inputs', '100000', '--seed', '20140406')
      expect(said).toContain(' 0 failures')
      expect(code).toBe(0)
    },
    FULL_MS,
  )
})
