import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkout, checkoutFiles, readCheckoutFile } from './checkout.ts'

const files = checkoutFiles()
const documents = files.filter((path) => path.endsWith('.md'))

/** The targets of `[text](target)` and `[text]: target`, outside of code. */
function linksOf(text: string): string[] {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '')
  const inline = prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)
  const reference = prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)
  return [...inline, ...reference].map((match) => match[1] ?? '')
}

/** The anchor that GitHub gives a heading. */
function anchorsOf(text: string): string[] {
  const headings = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*$/gm)
  return [...headings].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}

function brokenLinks(document: string, text: string): string[] {
  return linksOf(text)
    .filter((link) => !/^[a-z][a-z+.-]*:/i.test(link))
    .filter((link) => {
      const [path = '', anchor] = decodeURI(link).split('#')
      const target = path === '' ? document : posix.join(posix.dirname(document), path)
      if (target.startsWith('..') || !existsSync(join(checkout, target))) return true
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(readCheckoutFile(target)).includes(anchor)
    })
    .map((link) => `${document}: ${link}`)
}

describe('documents', () => {
  it('notices a link that leads nowhere', () => {
    expect(brokenLinks('docs/README.md', '[a](errors.md) [b](nowhere.md) `[c](code.md)` [d](errors.md#no-such-heading)')).toEqual(
      ['docs/README.md: nowhere.md', 'docs/README.md: errors.md#no-such-heading'],
    )
  })

  it('has no relative link that leads nowhere', () => {
    expect(documents.length).toBeGreaterThan(0)
    expect(documents.flatMap((document) => brokenLinks(document, readCheckoutFile(document)))).toEqual([])
  })
})

describe('portability', () => {
  // Put together from pieces, so that this file does not hold what it looks for.
  const machinePath = new RegExp(`(?<![\\w.~@-])/(?:${['work', 'root'].join('|')})/|(?<![\\w.~@-])/${'home'}/[a-z]`)

  it('notices a path of one machine', () => {
    expect(machinePath.test(`see ${['', 'home', 'someone', 'x'].join('/')}`)).toBe(true)
    expect(machinePath.test(`see ${['', 'work', 'x'].join('/')}`)).toBe(true)
    expect(machinePath.test('https://example.org/network/x and framework/x')).toBe(false)
  })

  it('holds no absolute path of a developer machine', () => {
    const found = files.filter((path) => {
      const text = readCheckoutFile(path)
      return !text.includes('\0') && machinePath.test(text)
    })
    expect(found).toEqual([])
  })

  const lockFiles = files.filter((path) => path.endsWith('package-lock.json'))

  it.each(lockFiles)('locks the packages of every platform in %s, without which npm ci refuses it', (path) => {
    const lock = JSON.parse(readCheckoutFile(path)) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>
    }
    const missing = Object.values(lock.packages)
      .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
      .filter((name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)))
    expect(missing).toEqual([])
  })

  it.each(lockFiles)('does not tie %s to one registry', (path) => {
    const lock = readCheckoutFile(path)
    expect(lock).toContain('"lockfileVersion"')
    expect(lock).not.toContain(['"resolved":', '"http'].join(' '))
  })
})
