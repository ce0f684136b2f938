import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { directive, from, literal, own, regexOf, render, section } from '../../src/proxy/apache/directive.ts'
import type { Site } from '../../src/proxy/site.ts'
import { requires } from '../support/requirements.ts'
import { readConfiguration } from './apache-reader.ts'
import type { ReadDirective } from './apache-reader.ts'
import { apacheTest, apacheText, installedApacheText } from './apache-test.ts'
import { withServerRoot } from './nginx-test.ts'
import { siteIn } from './sites.ts'
import type { SiteChanges } from './sites.ts'

const HOSTILE = [
  'a b',
  'a"b',
  "a'b",
  'a;b',
  'a>b',
  '</VirtualHost>',
  'a\\',
  'a\\"b',
  'a\\nb',
  '" \\',
  '"\\" Listen 1',
  'a%b',
  '%{HTTP_HOST}',
  '%1 $1',
  '$',
  '${HOME}',
  '$${HOME}',
  '${tsgi_dollar}{HOME}',
  '\\${HOME}',
  'é漢😀',
  '\\\\',
  '~ x',
  '!',
]

/** Every place where text from outside gets into a configuration, and what may not be in it there. */
const SLOTS: Readonly<Record<string, { change: (text: string) => SiteChanges; refused?: RegExp }>> = {
  serverRoot: { change: (text) => ({ serverRoot: `/${text}` }) },
  pidPath: { change: (text) => ({ pidPath: `/${text}` }) },
  socketPath: { change: (text) => ({ socketPath: `/s/${text}` }), refused: /[|?#]|".*'|'.*"/s },
  user: { change: (text) => ({ runAs: { user: text, group: 'g' } }), refused: /^#/ },
  group: { change: (text) => ({ runAs: { user: 'u', group: text } }), refused: /^#/ },
  errorLog: { change: (text) => ({ logs: { access: 'terminal', error: { file: `/${text}` }, level: 'warn' } }) },
  accessLog: { change: (text) => ({ logs: { access: { file: `/${text}` }, error: 'terminal', level: 'warn' } }) },
  documentRoot: { change: (text) => ({ files: { documentRoot: `/${text}.`, aliases: [], directoryListing: false } }) },
  flag: {
    change: (text) => ({ maintenance: { page: '/p', flag: `/${text}`, retryAfterS: 1 } }),
    refused: /".*'|'.*"/s,
  },
  include: { change: (text) => ({ includeFiles: [`/${text}`] }), refused: /[*?[]/ },
}
const BENIGN = 'PLACEHOLDER'

/** What the directive itself makes of its argument: mod_rewrite takes a backslash away, a regular expression has numbers. */
function meant(read: ReadDirective, text: string): string[] {
  const escaped = text.replace(/[\\$%]/g, '\\$&')
  const put = (arg: string, index: number): string => {
    const rewritten = (read.name === 'RewriteCond' && index === 0) || (read.name === 'RewriteRule' && index === 1)
    if (rewritten) return arg.replaceAll(BENIGN, () => escaped)
    return arg.replaceAll(BENIGN, () => (read.name.endsWith('Match') ? regexOf(text) : text))
  }
  return read.args.map(put)
}

function expected(change: (text: string) => SiteChanges, text: string): ReadDirective[] {
  const put = (read: ReadDirective): ReadDirective => ({
    name: read.name,
    args: meant(read, text),
    ...(read.block === undefined ? {} : { block: read.block.map(put) }),
  })
  return readConfiguration(apacheText(siteIn('/srv/root', change(BENIGN)))).map(put)
}

function seen(change: (text: string) => SiteChanges, text: string): ReadDirective[] {
  return readConfiguration(apacheText(siteIn('/srv/root', change(text)))).filter(({ name }) => name !== 'Define')
}

describe('a value from outside', () => {
  for (const [slot, { change, refused }] of Object.entries(SLOTS)) {
    it.each(HOSTILE)(`as ${slot} stays one value, or is refused: %j`, (text) => {
      if (refused?.test(text) === true) {
        expect(() => apacheText(siteIn('/srv', change(text)))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
      } else expect(seen(change, text)).toEqual(expected(change, text))
    })

    it.each(['a\nb', 'a\rb', 'a\0b', 'a\tb', 'a\x1b[1mb', 'a\x7fb', 'a\x85b', 'a\u2028b', 'a\ud800b', 'x'.repeat(8000)])(
      `as ${slot} is refused: %j`,
      (text) => {
        expect(() => apacheText(siteIn('/srv', change(text)))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
      },
    )

    it(`as ${slot} stays one value, whatever it is`, () => {
      fc.assert(
        fc.property(
          fc.string({ unit: fc.constantFrom(...'ab"\'\\${}%<># \t>|?*[é/!~'), minLength: 1, maxLength: 30 }),
          (text) => {
            let read: ReadDirective[]
            try {
              read = seen(change, text)
            } catch (error) {
              expect(error).toMatchObject({ code: 'TSGI_ERR_OPTION' })
              return
            }
            expect(read).toEqual(expected(change, text))
          },
        ),
      )
    })
  }

  it.each(['a b', 'a"b', '$1', '(.*)', 'a%b', '${HOME}', '[x]', "a'b"])('as a URL path matches itself alone: %j', (text) => {
    const site = siteIn('/srv', { mountPoint: `/${text}` })
    const host = readConfiguration(apacheText(site)).find(({ name }) => name === 'VirtualHost')
    const [condition] = host?.block?.filter(({ name, args }) => name === 'RewriteCond' && args[0] === '%{REQUEST_URI}') ?? []
    const pattern = new RegExp(condition?.args[1]?.slice(1) ?? '')
    expect(pattern.test(`/${text}`)).toBe(true)
    expect(pattern.test(`/${text}/x`)).toBe(true)
    for (const other of [`/${text}x`, `/x${text}`, '/', '/(.*)x']) expect(pattern.test(other)).toBe(false)
    expect(host?.block?.find(({ name }) => name === 'ProxyPass')?.args[0]).toBe(`/${text}`)
  })

  it.each(['relative', '', 'off', 'syslog', '|/bin/sh'])('as a path is absolute: %j is refused', (text) => {
    const logs: Site['logs'] = { access: { file: text }, error: 'terminal', level: 'warn' }
    expect(() => apacheText(siteIn('/srv', { logs }))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
    expect(() => apacheText(siteIn(text))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
  })

  it('as a format of the access log writes itself', () => {
    const logs: Site['logs'] = {
      access: { file: '/x' },
      accessFormat: '100%% \\n "%(r)s" ${HOME} %({a-b}i)s',
      error: 'terminal',
      level: 'warn',
    }
    const format = readConfiguration(apacheText(siteIn('/srv', { logs }))).find(({ name }) => name === 'LogFormat')
    expect(format?.args[0]).toBe('100%% \\\\n "%r" ${HOME} %{a-b}i')
  })
})

describe('a directive', () => {
  it('keeps "${" from being replaced', () => {
    expect(render([directive('PidFile', literal('/a${b}'))])).toContain('PidFile "/a${tsgi_dollar}{b}"\n')
    expect(render([directive('ProxyPass', literal('/${tsgi_dollar}'), own('!'))])).toContain('"/${tsgi_dollar}{tsgi_dollar}"')
    expect(render([directive('PidFile', literal('/a$b'))])).toBe('PidFile "/a$b"\n')
  })

  it.each(['a b', '"x"', '<', '#', '', 'a\\', "'", '${x}', '%{x}'])('takes no text from outside as a word: %j', (text) => {
    expect(() => render([directive('ServerTokens', text)])).toThrow('must be written as a literal')
  })

  it('takes no value from outside where there is no place for one', () => {
    expect(() => render([directive('SetEnvIfExpr', literal('x'), literal('y'))])).toThrow('comes from outside')
  })

  it('has the option that caused it before it, which a refusal names', () => {
    expect(
      render([from('port', directive('Listen', 80)), section('Directory', [own('/')], [directive('AllowOverride', 'None')])]),
    ).toBe('# --port\nListen 80\n<Directory "/">\n    AllowOverride None\n</Directory>\n')
    expect(() => render([from('mount', directive('Alias', literal('a\nb')))])).toThrow('--mount')
  })
})

requires('apache2').describe('httpd itself', () => {
  /** What httpd has read, from the values of parameters that it was given. */
  function readBack(directory: string, values: readonly string[]): string[] {
    // DocumentRoot is read as every other word is; Define shows what came of it.
    const lines = render(values.map((text) => directive('DocumentRoot', literal(text))))
      .split('\n')
      .filter((line) => line !== '')
    let count = 0
    const text = lines
      .map((line) => (line.startsWith('DocumentRoot') ? line.replace('DocumentRoot', `Define v${count++}`) : line))
      .join('\n')
    const { output } = apacheTest(
      directory,
      `ServerRoot "${directory}"\nDefaultRuntimeDir "${directory}"\nErrorLog error.log\nServerName x\nLoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n${text}\n`,
      '-D',
      'DUMP_RUN_CFG',
    )
    return values.map((_, index) => new RegExp(`^Define: v${index}=(.*)$`, 'm').exec(output)?.[1] ?? '(nothing)')
  }

  it('reads every value as it was', async () => {
    await withServerRoot('root', (directory) => {
      const random = fc.sample(
        fc.string({ unit: fc.constantFrom(...'ab"\'\\${}%<># >|?*[é/'), minLength: 1, maxLength: 30 }),
        300,
      )
      const values = [...HOSTILE, ...random].map((text) => `/${text}/`)
      expect(readBack(directory, values)).toEqual(values)
    })
  })

  it.each(HOSTILE)('takes a server root named %j for that', async (name) => {
    if (name.includes('/')) return
    await withServerRoot(name, (directory) => {
      const socketPath = /".*'|'.*"/s.test(name) ? '/tmp/x' : `${directory}/tsgi.sock`
      const site = siteIn(directory, { socketPath, mountPoint: `/${name}`, pidPath: `${directory}/httpd.pid` })
      expect(apacheTest(directory, installedApacheText(site)).output).toBe('Syntax OK\n')
    })
  })
})
