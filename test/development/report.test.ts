import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { DevelopmentPage } from '../../src/development/development-page.ts'
import { errorsInText, reportedErrors } from '../../src/development/failure-report.ts'
import { reportAnswer } from '../../src/development/report-answer.ts'
import { sourceExcerpt } from '../../src/development/source-excerpt.ts'
import { TsgiError } from '../../src/interface/errors.ts'
import { framesIn } from '../../src/development/stack-frames.ts'
import { filePattern } from '../../src/launcher/file-pattern.ts'
import { temporaryDirectory } from '../process/served.ts'

const REQUEST = {
  method: 'GET',
  target: '/a?b=<i>',
  headers: [
    ['Host', 'localhost'],
    ['Authorization', 'Basic of-nobody'],
    ['cookie', 'of-nobody'],
    ['X-Api-Key', 'of-nobody'],
    ['X-Note', '"><img src=x onerror=alert(1)>'],
  ],
  variables: [
    ['HTTP_COOKIE', 'of-nobody'],
    ['PATH_INFO', '/a'],
  ],
} as const

describe('the frames of a stack', () => {
  it('are read in every form that V8 writes', () => {
    const frames = framesIn([
      'TypeError: at first sight (no frame)',
      '    at load (file:///app/a%20b.ts?v=1:12:5)',
      '    at async Promise.all (index 0)',
      '    at /app/node_modules/@scope/x/index.js:3:4',
      '    at async file:///app/c.js:1:2',
      '    at new Thing (C:\\app\\d.js:7:8)',
      '    at node:internal/process:9:10',
      '    at Array.map (<anonymous>)',
      '    at Object.f [as g] (/app/e (1).js:2:3)',
    ])
    expect(frames.map(({ functionName, file, line, column, owner }) => [functionName, file, line, column, owner])).toEqual([
      ['load', '/app/a b.ts', 12, 5, 'application'],
      ['async Promise.all', undefined, 0, 0, 'node'],
      ['', '/app/node_modules/@scope/x/index.js', 3, 4, 'dependency'],
      ['', '/app/c.js', 1, 2, 'application'],
      ['new Thing', 'C:\\app\\d.js', 7, 8, 'application'],
      ['', undefined, 9, 10, 'node'],
      ['Array.map', undefined, 0, 0, 'node'],
      ['Object.f [as g]', '/app/e (1).js', 2, 3, 'application'],
    ])
  })

  it('are no more than a hundred', () => {
    expect(framesIn(Array.from({ length: 500 }, (_, line) => `    at f (/app/a.js:${line}:1)`))).toHaveLength(100)
  })

  it('begin with the place of a syntax error', () => {
    const [frame] = framesIn([
      '/app/a.js:3',
      '  const x = = 1',
      '            ^',
      'SyntaxError: x',
      '    at compile (node:vm:1:1)',
    ])
    expect(frame).toMatchObject({ file: '/app/a.js', line: 3, column: 0, owner: 'application' })
  })
})

describe('a source', () => {
  it('is shown around the line, cut, and never where it is none', () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'a.js')
    writeFileSync(file, `${Array.from({ length: 30 }, (_, line) => `line ${line + 1}`).join('\r\n')}\n${'x'.repeat(1000)}\n`)
    expect(sourceExcerpt(file, 10)).toMatchObject({ first: 4, lines: expect.arrayContaining(['line 4', 'line 16']) })
    expect(sourceExcerpt(file, 1)?.lines).toHaveLength(7)
    expect(sourceExcerpt(file, 31)?.lines.at(-1)).toHaveLength(401)
    expect([sourceExcerpt(file, 32), sourceExcerpt(file, 0), sourceExcerpt(directory, 1), sourceExcerpt('/dev/zero', 1)]).toEqual(
      Array(4).fill(undefined),
    )
  })
})

describe('the errors of a failure', () => {
  it('are the error, what caused it, and the parts of it, once each', () => {
    const inner = new RangeError('inner')
    const outer = new AggregateError([new Error('one'), inner, 'two'], 'outer', { cause: inner })
    Object.assign(inner, { cause: outer, code: 'E_INNER' })
    expect(reportedErrors(outer).map(({ name, message, relation }) => `${relation} ${name}: ${message}`)).toEqual([
      'caused by AggregateError: outer',
      'caused by RangeError E_INNER: inner',
      'one of Error: one',
      "one of Thrown: 'two'",
    ])
  })

  it('may be anything at all', () => {
    const hostile = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('never')
      },
    })
    for (const thrown of [undefined, null, 0, Symbol('s'), { a: 1 }, () => 1, hostile, Object.create(null)]) {
      expect(reportedErrors(thrown)).toHaveLength(1)
    }
    expect(reportedErrors(new Error('x'.repeat(50_000)))[0]?.message.length).toBeLessThan(11_000)
    const many = new AggregateError(
      Array.from({ length: 1000 }, (_, index) => new Error(String(index))),
      'many',
    )
    expect(reportedErrors(many)).toHaveLength(8)
  })

  it('of a module that is missing have the line that imports it', () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'app.js')
    writeFileSync(file, "\n\nimport { x } from './gone.js'\n")
    const message = `TSGI_ERR_APP_LOAD app.js: Error: Cannot find module '${directory}/gone.js' imported from ${file}`
    const [error] = errorsInText(message, ['Error: Cannot find', '    at resolve (node:internal/x:1:1)'])
    expect(error).toMatchObject({ name: 'Error', frames: [{ file, line: 3, column: 22 }, { owner: 'node' }] })
  })
})

describe('what a client is told', () => {
  const page = new DevelopmentPage(7)
  const answer = (accept: string): { type: string; policy: string; body: string } => {
    // Without stacks, which would show this very file.
    const cause = Object.assign(new TypeError('&amp;'), { stack: '' })
    const error = Object.assign(new Error('<b>"bold"</b>\u202e\u0000', { cause }), { stack: '' })
    const told = page.answer(error, 500, { ...REQUEST, headers: [...REQUEST.headers, ['Accept', accept]] })
    const fields = new Map(told?.fields.map(([name, value]) => [name, value]))
    return { type: fields.get('Content-Type') ?? '', policy: fields.get('Content-Security-Policy') ?? '', body: told?.body ?? '' }
  }

  it('is what it accepts', () => {
    expect(answer('text/html,application/xhtml+xml,*/*;q=0.8').type).toBe('text/html; charset=utf-8')
    expect(answer('application/json').type).toBe('application/json')
    expect(answer('application/problem+json, text/plain').type).toBe('application/json')
    expect(answer('*/*').type).toBe('text/plain; charset=utf-8')
    expect(answer('').type).toBe('text/plain; charset=utf-8')
  })

  it('is escaped, loads nothing, runs nothing else, and hides what lets in', () => {
    const { body, policy } = answer('text/html')
    expect(body).not.toMatch(/<b>|<i>|<img|of-nobody|\u202e|\u0000/)
    expect(body).toContain('&#60;b&#62;&#34;bold&#34;&#60;/b&#62;\\u202e\\u0000')
    expect(body).toContain('(hidden, 15 characters)')
    expect(body).not.toMatch(/<[^>]*\s(?:src|href|action)=|url\(|@import/i)
    const nonce = /'nonce-([\w-]+)'/.exec(policy)?.[1] ?? 'none'
    expect(policy).toBe(
      `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`,
    )
    expect(body.match(new RegExp(`nonce="${nonce}"`, 'g'))).toHaveLength(2)
    expect(answer('text/html').policy).not.toBe(policy)
    expect(answer('application/json').body).not.toContain('of-nobody')
    expect(answer('*/*').body).not.toMatch(/of-nobody|\u0000/)
  })

  it('knows what nobody has caught', () => {
    const crashed = new DevelopmentPage(1)
    crashed.uncaught(new RangeError('behind the back'))
    const own = crashed.answer(new Error('its own'), 500, REQUEST)
    expect(own?.body).toContain('its own')
    const left = crashed.answer(new TsgiError('TSGI_ERR_APPLICATION', 'not finished'), 500, REQUEST)
    expect(left?.body).toMatch(/was left without an answer by an uncaught exception\n\nRangeError: behind the back/)
  })

  it('shows packages where nothing of the application is in the stack', () => {
    const directory = join(temporaryDirectory(), 'node_modules/thing')
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'index.js'), 'the line of the package\n')
    const frames = framesIn([`    at f (${directory}/index.js:1:5)`, '    at node:x:1:1'])
    const report = {
      status: 500,
      title: 't',
      errors: [{ name: 'Error', message: '', relation: 'caused by', frames }],
      request: undefined,
    } as const
    const html = reportAnswer(report, 'text/html', 1).body
    expect(html).toContain('the <mark>line</mark> of the package')
    expect(html).toContain('1 frame of Node')
  })
})

describe('a pattern for files', () => {
  it.each([
    ['*.test.js', ['a.test.js', 'src/a.test.js'], ['a.js', 'a.test.jsx']],
    ['generated', ['generated', 'generated/a.js', 'src/generated/b/c.js'], ['generated.js', 'src/degenerated/a.js']],
    ['src/data/**', ['src/data/a.json', 'src/data/b/c.json'], ['src/data', 'lib/src/data/a.json']],
    ['src/*.json', ['src/a.json'], ['src/b/a.json', 'a.json']],
    ['**/tmp/x?.js', ['tmp/x1.js', 'a/b/tmp/x2.js'], ['tmp/x.js', 'tmp/x/1.js']],
    ['./uploads/', ['uploads/a.json'], ['a/uploads/b.json']],
    ['a.c(+)[x]', ['a.c(+)[x]'], ['abc+x']],
  ])('%s', (pattern, matches, others) => {
    const expression = filePattern(pattern)
    expect(matches.filter((path) => !expression.test(path))).toEqual([])
    expect(others.filter((path) => expression.test(path))).toEqual([])
  })
})
