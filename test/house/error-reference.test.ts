import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../../src/interface/errors.ts'
import { checkoutFiles, readCheckoutFile } from './checkout.ts'

const FIELDS = ['Severity', 'Cause', 'Outcome', 'Action']
const SEVERITIES = ['debug', 'info', 'warning', 'error', 'fatal']

const page = readCheckoutFile('docs/errors.md')

/** Code → its section of the page. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section] as const),
)

function field(section: string, name: string): string {
  return new RegExp(`^- \\*\\*${name}:\\*\\* (.+)$`, 'm').exec(section)?.[1] ?? ''
}

describe('docs/errors.md', () => {
  it('explains exactly the codes of the catalogue', () => {
    expect([...sections.keys()].sort()).toEqual(Object.keys(ERROR_CODES).sort())
  })

  it.each(Object.entries(ERROR_CODES))('says of %s what the operator needs', (code, { status, text }) => {
    const section = sections.get(code) ?? ''
    expect(section).toContain(text)
    for (const name of FIELDS) expect(field(section, name), name).not.toBe('')
    expect(SEVERITIES).toContain(/^\w+/.exec(field(section, 'Severity'))?.[0])
    if (status !== null) expect(field(section, 'Outcome')).toContain(`\`${status}\``)
  })

  it('is the only source of codes: no file names one that is not in the catalogue', () => {
    // TSGI_ERR_X stands for any code in comments.
    const known = new Set([...Object.keys(ERROR_CODES), 'TSGI_ERR_X'])
    const unknown = checkoutFiles()
      .filter((path) => /^(?:src|docs|examples)\/|^[A-Z]+\.md$/.test(path))
      .flatMap((path) =>
        [...readCheckoutFile(path).matchAll(/\bTSGI_ERR_[A-Z_]*[A-Z]\b(?!_?\*)/g)].map((match) => ({ path, code: match[0] })),
      )
      .filter(({ code }) => !known.has(code))
    expect(unknown).toEqual([])
  })
})
