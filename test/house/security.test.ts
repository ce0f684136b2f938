import { expect, it } from 'vitest'
import { checkoutFiles, readCheckoutFile } from './checkout.ts'

const page = readCheckoutFile('docs/security.md')

/** `[name](../test/x.test.ts): "title"` */
const references = [...page.matchAll(/\]\(\.\.\/(test\/[\w./-]+)\): "([^"]+)"/g)].map(([, file = '', title = '']) => ({
  file,
  title,
}))

it.each(references)('docs/security.md leans on a test that is there: $file, $title', ({ file, title }) => {
  expect(checkoutFiles('test')).toContain(file)
  expect(readCheckoutFile(file)).toContain(title)
})

it('docs/security.md has a test for every line', () => {
  const sections = page.split(/^## /m).filter((section) => section.startsWith('What a'))
  const rows = sections.flatMap((section) =>
    section.split('\n').filter((line) => /^\| (?!-|it )/.test(line) && !line.startsWith('| it  ')),
  )
  expect(rows.length).toBeGreaterThan(35)
  expect(rows.filter((row) => !/\]\(\.\.\/test\/[\w./-]+\): "/.test(row))).toEqual([])
})

it('docs/security.md names every dependency with its reason', () => {
  const { dependencies } = JSON.parse(readCheckoutFile('package.json')) as { dependencies: Record<string, string> }
  const table = page.slice(page.indexOf('<!-- begin dependencies'), page.indexOf('<!-- end dependencies'))
  expect([...table.matchAll(/^\| `([^`]+)` +\| \S/gm)].map(([, name]) => name)).toEqual(Object.keys(dependencies).toSorted())
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})

/** Of testcontainers, for ways to a Docker engine that the tests do not go; it works without what their scripts make. */
const SCRIPTS_OF_DEVELOPMENT = ['node_modules/cpu-features', 'node_modules/protobufjs', 'node_modules/ssh2']

it('the lock file has a hash of every package, but for native parts of other platforms, and none that users get runs a script', () => {
  const { packages } = JSON.parse(readCheckoutFile('package-lock.json')) as {
    packages: Record<string, { integrity?: string; dev?: boolean; optional?: boolean; hasInstallScript?: boolean }>
  }
  const found = Object.entries(packages).filter(
    ([path, { integrity, dev, optional, hasInstallScript }]) =>
      path !== '' &&
      ((hasInstallScript === true && !(dev === true && SCRIPTS_OF_DEVELOPMENT.includes(path))) ||
        (optional !== true && integrity?.startsWith('sha512-') !== true)),
  )
  expect(found).toEqual([])
})
