import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

import { cleanLines, fileLogs, quoteLines } from '../../src/launcher/log-files.ts'
import type { Logs } from '../../src/launcher/log-files.ts'
import { temporaryDirectory } from './temporary.ts'

function open(path: string): Logs {
  const logs = fileLogs({ access: 'off', notice: undefined }, path)
  onTestFinished(() => {
    logs.close()
  })
  return logs
}

it('appends, beside others who append', () => {
  const path = join(temporaryDirectory(), 'error.log')
  const logs = open(path)
  logs.writeLine('ours')
  appendFileSync(path, 'theirs\n')
  logs.writeLine('ours again')
  expect(readFileSync(path, 'utf8')).toBe('ours\ntheirs\nours again\n')
})

it('quotes the last lines of this run only', () => {
  const path = join(temporaryDirectory(), 'error.log')
  writeFileSync(path, 'of an earlier run\n')
  const logs = open(path)
  expect(logs.lastLines()).toEqual([])
  for (let line = 1; line <= 30; line += 1) logs.writeLine(`line ${line}`)
  expect(logs.lastLines()).toEqual(Array.from({ length: 10 }, (_, index) => `line ${index + 21}`))
})

it('quotes no more than the end of a long log', () => {
  const logs = open(join(temporaryDirectory(), 'error.log'))
  logs.writeLine('x'.repeat(100_000))
  logs.writeLine('last')
  const lines = logs.lastLines()
  expect(lines.at(-1)).toBe('last')
  expect(lines.join('').length).toBeLessThan(20_000)
})

it('takes away what would act on a terminal', () => {
  expect(cleanLines('a\x1b[31mb\r\n\n\tc\x07\n')).toEqual(['a[31mb', '    c'])
  expect(quoteLines('Heading:', ['a', 'b'])).toBe('\n  Heading:\n    a\n    b')
  expect(quoteLines('Heading:', [])).toBe('')
})
