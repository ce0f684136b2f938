import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { otherNodes, requires } from '../support/requirements.ts'
import type { Requirement } from '../support/requirements.ts'
import { packageDirectory, sectionsOf, Walk } from './walked-page.ts'
import type { Section, WrittenFile } from './walked-page.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const sections = sectionsOf(readFileSync(join(checkout, 'docs/tutorial.md'), 'utf8'))

function filesOf(some: readonly Section[]): WrittenFile[] {
  return some.flatMap(({ steps }) => steps.filter((step) => 'name' in step))
}

/** Does what a section says, with the files of all before it. */
async function follow(index: number, node = process.execPath): Promise<void> {
  const walk = await Walk.begin(packageDirectory(), { node })
  for (const file of filesOf(sections.slice(0, index))) await walk.write(file)
  const section = sections[index]
  if (section !== undefined) await walk.follow(section)
}

/** A Node that runs TypeScript by itself. */
function nodeWithTypes(): string | undefined {
  return [process.execPath, ...otherNodes].find((node) => {
    const [major = 0, minor = 0] = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
      .split('.')
      .map(Number)
    return major > 22 || (major === 22 && minor >= 18)
  })
}

describe('the tutorial', () => {
  for (const [index, { title, prose }] of sections.entries()) {
    const need = /<!-- needs (\S+) -->/.exec(prose)?.[1]
    if (need === 'strip-types') {
      const node = nodeWithTypes()
      requires('dist', ...(node === undefined ? (['nodes'] as const) : [])).test(title, () => follow(index, node))
    } else {
      // What the page asks for is a program; an unknown one fails there.
      requires('dist', 'curl', ...(need === undefined ? [] : [need as Requirement])).test(title, () => follow(index))
    }
  }

  it('is a whole walk', () => {
    expect(sections.length).toBeGreaterThan(10)
    expect(filesOf(sections).length).toBeGreaterThan(8)
  })

  requires('dist').test('has the types that it says', () => {
    const directory = packageDirectory()
    symlinkSync(join(checkout, 'node_modules/@types'), join(directory, 'node_modules/@types'))
    for (const { name, text } of filesOf(sections)) writeFileSync(join(directory, name), text)
    const tsconfig = JSON.parse(readFileSync(join(checkout, 'tsconfig.json'), 'utf8')) as { compilerOptions: object }
    // An application has two parameters, whether it looks at both or not.
    const compilerOptions = { ...tsconfig.compilerOptions, noUnusedParameters: false }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    const wrong = (): string => {
      const tsc = join(checkout, 'node_modules/typescript/bin/tsc')
      return spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' }).stdout
    }
    expect(wrong()).toBe('')
    // And is looked at in earnest.
    const almanac = join(directory, 'almanac.ts')
    writeFileSync(almanac, readFileSync(almanac, 'utf8').replace('{ year: number }', '{ year: string }'))
    expect(wrong()).toContain('almanac.ts')
  })
})
