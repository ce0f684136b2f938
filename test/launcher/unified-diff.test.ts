import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { unifiedDiff } from '../../src/launcher/unified-diff.ts'

const names = { before: 'a', after: 'b' }

/** Applies a unified diff as `patch` does, and refuses one whose lines do not fit. */
function applyDiff(text: string, diff: string): string {
  const before = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const out: string[] = []
  let at = 0
  const lines = diff.match(/[^\n]*\n/g) ?? []
  for (const [index, line] of lines.slice(2).entries()) {
    const header = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n$/.exec(line)
    const bare = lines[index + 3]?.startsWith('\\') === true ? line.slice(0, -1) : line
    if (header !== null) {
      const start = Number(header[1]) - (Number(header[2]) === 0 ? 0 : 1)
      while (at < start) out.push(before[at++] ?? '')
      expect(out.length).toBe(Number(header[3]) - (Number(header[4]) === 0 ? 0 : 1))
    } else if (line.startsWith('+')) out.push(bare.slice(1))
    else if (!line.startsWith('\\')) {
      expect(before[at]).toBe(bare.slice(1))
      if (line.startsWith(' ')) out.push(before[at] ?? '')
      at += 1
    }
  }
  return [...out, ...before.slice(at)].join('')
}

describe('unifiedDiff', () => {
  it('is empty for equal texts', () => {
    expect(unifiedDiff('a\nb\n', 'a\nb\n', names)).toBe('')
  })

  it('writes what diff -u writes', () => {
    const before = Array.from({ length: 20 }, (_, line) => `line ${line}\n`)
    const after = before.with(2, 'changed\n').with(15, 'too\n')
    const directory = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
    try {
      writeFileSync(join(directory, 'a'), before.join(''))
      writeFileSync(join(directory, 'b'), after.join(''))
      const options = { cwd: directory, encoding: 'utf8' } as const
      const expected = execFileSync('sh', ['-c', 'diff -u --label a --label b a b || [ $? = 1 ]'], options)
      expect(unifiedDiff(before.join(''), after.join(''), names)).toBe(expected)
      expect(readFileSync(join(directory, 'a'), 'utf8')).toBe(before.join(''))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('turns the one text into the other, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n'), { maxLength: 30 }).map((lines) => lines.join(''))
    const maybeOpen = fc.tuple(text, fc.boolean()).map(([all, open]) => (open ? all.slice(0, -1) : all))
    fc.assert(
      fc.property(maybeOpen, maybeOpen, (before, after) => {
        fc.pre(before !== after)
        expect(applyDiff(before, unifiedDiff(before, after, names))).toBe(after)
      }),
    )
  })
})
