import { appendFileSync, existsSync, readFileSync, renameSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

import { FollowedFile } from '../../src/launcher/why/followed-file.ts'
import { temporaryDirectory } from '../launcher/temporary.ts'

function followed(path = join(temporaryDirectory(), 'failures.log')) {
  const lines: string[] = []
  let skipped = 0
  const file = new FollowedFile({
    path,
    onLine: (line) => lines.push(line),
    onSkipped: (bytes) => (skipped += bytes),
    onLook() {},
  })
  onTestFinished(() => file.close())
  const taken = (): string[] => {
    file.look()
    return lines.splice(0)
  }
  return { path, taken, skipped: () => skipped }
}

it('gives whole lines, also those that come in pieces', () => {
  const { path, taken } = followed()
  appendFileSync(path, 'one\ntw')
  expect(taken()).toEqual(['one'])
  appendFileSync(path, 'o é')
  appendFileSync(path, Buffer.from('é').subarray(0, 1))
  expect(taken()).toEqual([])
  appendFileSync(path, Buffer.concat([Buffer.from('é').subarray(1), Buffer.from('\nthree\n')]))
  expect(taken()).toEqual(['two éé', 'three'])
})

it('goes on where somebody has emptied the file', () => {
  const { path, taken } = followed()
  appendFileSync(path, 'before, and long\n')
  expect(taken()).toEqual(['before, and long'])
  truncateSync(path)
  appendFileSync(path, 'after\n')
  expect(taken()).toEqual(['after'])
})

it('goes on in the file that has its name by now, and reads the rest of the one before', () => {
  const { path, taken } = followed()
  renameSync(path, `${path}.1`)
  appendFileSync(`${path}.1`, 'still there\n')
  expect(taken()).toEqual(['still there'])
  writeFileSync(path, 'new\n')
  expect(taken()).toEqual(['new'])
})

it('empties a file that has grown, and passes over what comes in a flood', () => {
  const { path, taken, skipped } = followed()
  const line = `${'x'.repeat(999)}\n`
  for (let look = 0; look < 5; look += 1) {
    appendFileSync(path, line.repeat(1000))
    expect(taken()).toHaveLength(1000)
  }
  expect(statSync(path).size).toBe(0)
  appendFileSync(path, `${line.repeat(3000)}last\n`)
  const lines = taken()
  expect(lines.at(-1)).toBe('last')
  expect(lines.length).toBeLessThan(1100)
  expect(skipped()).toBeGreaterThan(1_900_000)
})

it('forgets a line that never ends', () => {
  const { path, taken } = followed()
  for (let look = 0; look < 5; look += 1) {
    appendFileSync(path, 'x'.repeat(100_000))
    expect(taken()).toEqual([])
  }
  appendFileSync(path, '\nnext\n')
  expect(taken().at(-1)).toBe('next')
})

it('is private, and follows no link that somebody has put in its place', () => {
  const { path } = followed()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const other = join(temporaryDirectory(), 'other')
  writeFileSync(other, 'precious')
  const link = join(temporaryDirectory(), 'link')
  symlinkSync(other, link)
  expect(() => followed(link)).toThrow(/ELOOP/)
  expect(existsSync(other) && readFileSync(other, 'utf8')).toBe('precious')
})
