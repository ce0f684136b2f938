import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { block, directive, from, literal, render, variable } from '../../src/proxy/nginx/directive.ts'
import type { Site } from '../../src/proxy/site.ts'
import { requires } from '../support/requirements.ts'
import { readConfiguration } from './nginx-reader.ts'
import type { ReadDirective } from './nginx-reader.ts'
import { nginxTest, withServerRoot } from './nginx-test.ts'
import { fullSite, nginxText, siteIn } from './sites.ts'
import type { SiteChanges } from './sites.ts'

const HOSTILE = [
  'a b',
  'a"b',
  "a'b",
  'a;b',
  'a{b',
  'a}b',
  'a#b',
  ' #b',
  'a\\',
  'a\\"b',
  'a\\nb',
  '"; user root; #',
  "'; user root; #",
  '; } server { listen 1; }',
  '\\"; daemon on; #',
  'é漢😀',
  '\\\\',
]
/** What nginx would replace; plain where it does not. */
const WITH_DOLLAR = ['$host', '${host}', '$', 'a$$b', '\\$host', '"$host"']

/** Every place where text from outside gets into a configuration as it is. `$` means something in the last one. */
const SLOTS: Readonly<Record<string, (text: string) => SiteChanges>> = {
  socketPath: (text) => ({ socketPath: `/s/${text}` }),
  mountPoint: (text) => ({ mountPoint: `/${text}` }),
  serverRoot: (text) => ({ serverRoot: `/${text}` }),
  errorLog: (text) => ({ logs: { access: 'terminal', error: { file: `/${text}` }, level: 'warn' } }),
  user: (text) => ({ runAs: { user: text, group: 'g' } }),
  group: (text) => ({ runAs: { user: 'u', group: text } }),
  accessLog: (text) => ({ logs: { access: { file: `/${text}` }, error: 'terminal', level: 'warn' } }),
}
const BENIGN = 'PLACEHOLDER'

/** What nginx must see: the benign configuration, with the text in the place of the benign one. */
function expected(change: (text: string) => SiteChanges, text: string): ReadDirective[] {
  const put = (read: ReadDirective): ReadDirective => ({
    args: read.args.map((arg) => arg.replaceAll(BENIGN, () => text)),
    ...(read.block === undefined ? {} : { block: read.block.map(put) }),
  })
  return readConfiguration(nginxText(siteIn('/srv/root', change(BENIGN)))).map(put)
}

function seen(change: (text: string) => SiteChanges, text: string): ReadDirective[] {
  return readConfiguration(nginxText(siteIn('/srv/root', change(text))))
}

describe('a value from outside', () => {
  for (const [slot, change] of Object.entries(SLOTS)) {
    it.each(slot === 'accessLog' ? HOSTILE : [...HOSTILE, ...WITH_DOLLAR])(`as ${slot} stays one value: %j`, (text) => {
      expect(seen(change, text)).toEqual(expected(change, text))
    })

    it.each(['a\nb', 'a\rb', 'a\0b', 'a\tb', 'a\x1b[1mb', 'a\x7fb', 'a\x85b', 'a\u2028b', 'a\ud800b', 'x'.repeat(4000)])(
      `as ${slot} is refused: %j`,
      (text) => {
        expect(() => nginxText(siteIn('/srv/root', change(text)))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
      },
    )

    it(`as ${slot} stays one value, whatever it is`, () => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (text) => {
          let read: ReadDirective[]
          try {
            read = seen(change, text)
          } catch (error) {
            expect(error).toMatchObject({ code: 'TSGI_ERR_OPTION' })
            return
          }
          expect(read).toEqual(expected(change, text))
        }),
      )
    })
  }

  it.each(WITH_DOLLAR)('as a log that nginx would open by a variable is refused: %j', (text) => {
    const logs: Site['logs'] = { access: { file: `/x/${text}` }, error: 'terminal', level: 'warn' }
    expect(() => nginxText(siteIn('/srv', { logs }))).toThrow(
      expect.objectContaining({ code: 'TSGI_ERR_OPTION', message: expect.stringContaining('--server-root') }),
    )
  })

  it.each(['relative', '', 'off', 'syslog:server=1.2.3.4', '~ x'])('as a path is absolute: %j is refused', (text) => {
    expect(() => nginxText(siteIn(text))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
    const logs: Site['logs'] = { access: { file: text }, error: 'terminal', level: 'warn' }
    expect(() => nginxText(siteIn('/srv', { logs }))).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
  })
})

/** Every text of a site with everything in it, by its place. */
const FULL_SLOTS: Readonly<Record<string, (text: string) => SiteChanges>> = {
  certificate: (text) => ({ tls: { ...TLS, certificateFile: `/${text}`, keyFile: `/${text}.key` } }),
  hsts: (text) => ({ tls: { ...TLS, hstsPolicy: text } }),
  clients: (text) => ({ tls: { ...TLS, clients: { caFile: `/${text}`, urls: [`/${text}`] } } }),
  mounts: (text) => ({
    applications: [
      { mountPoint: '', socketPath: '/s/1', option: 'mount-point' },
      { mountPoint: `/${text}`, socketPath: `/s/${text}`, option: 'mount' },
    ],
  }),
  files: (text) => ({
    files: {
      documentRoot: `/${text}`,
      directoryIndex: text,
      directoryListing: true,
      aliases: [
        { url: `/${text}`, path: `/${text}`, kind: 'directory' },
        { url: `/${text}.ico`, path: `/${text}.ico`, kind: 'file' },
      ],
    },
  }),
  others: (text) => ({ proxyMounts: [{ url: `/${text}`, backend: `http://127.0.0.1:9/${text}` }] }),
  authentication: (text) => ({ authentication: { url: `/${text}`, exempt: [`/x${text}`, '/errors', '/static'] } }),
  maintenance: (text) => ({ maintenance: { page: `/${text}`, flag: `/x/${text}`, retryAfterS: 1 } }),
  errors: (text) => ({
    errorDocuments: [{ code: 404, url: `/${text}` }],
    authentication: { url: '/auth', exempt: [`/${text}`, '/static'] },
  }),
  include: (text) => ({ includeFiles: [`/${text}`] }),
}
const TLS = {
  listen: [{ host: '127.0.0.1', port: 443 }],
  certificateFile: '/c',
  keyFile: '/k',
  http2: true,
  only: true,
  environment: false,
} as const

/** Where a variable would change what nginx does, with the option that is refused. */
const CONSTANT: Readonly<Record<string, string>> = { certificate: 'ssl-certificate-file', others: 'proxy-mount-point' }

/** What a configuration consists of, without its texts, and without what makes a `$` possible. */
function shape(read: readonly ReadDirective[]): unknown[] {
  const others = read.filter(({ args }) => args[1] !== '$tsgi_dollar')
  return others.map(({ args, block: inside }) => [args.length, inside === undefined ? undefined : shape(inside)])
}

describe('a value from outside, in a site with everything', () => {
  for (const [slot, change] of Object.entries(FULL_SLOTS)) {
    const read = (text: string): ReadDirective[] => readConfiguration(nginxText(fullSite('/srv', 'fastcgi', change(text))))

    it.each([...HOSTILE, ...WITH_DOLLAR])(`as ${slot} adds nothing to it: %j`, (text) => {
      // nginx would open a certificate by a variable at every handshake, and look a server up for every request.
      if (text.includes('$') && slot in CONSTANT) expect(() => read(text)).toThrow(CONSTANT[slot])
      else expect(shape(read(text))).toEqual(shape(read(BENIGN)))
    })

    it.each(['a\nb', 'a\rb', 'a\0b', 'a\tb'])(`as ${slot} is refused: %j`, (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
    })

    it(`as ${slot} adds nothing to it, whatever it is`, () => {
      const benign = shape(read(BENIGN))
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (text) => {
          try {
            expect(shape(read(`a${text}`))).toEqual(benign)
          } catch (error) {
            expect(error).toMatchObject({ code: 'TSGI_ERR_OPTION' })
          }
        }),
        { numRuns: 50 },
      )
    })
  }
})

describe('a directive', () => {
  it('writes a "$" as a variable where nginx replaces variables', () => {
    expect(render([directive('fastcgi_param', 'X', literal('a$b"c\\'))])).toBe('fastcgi_param X "a${tsgi_dollar}b\\"c\\\\";\n')
    expect(render([directive('pid', literal('/a$b'))])).toBe('pid "/a$b";\n')
  })

  it('joins values and variables to one argument', () => {
    expect(render([directive('fastcgi_param', 'X', [literal('a$'), variable('host'), literal('b')])])).toBe(
      'fastcgi_param X "a${tsgi_dollar}${host}b";\n',
    )
  })

  it.each(['a b', 'a;', '$x', '"x"', 'a{', '#', '', 'a\\', "'"])('takes no text from outside as a word: %j', (text) => {
    expect(() => render([directive('server_tokens', text)])).toThrow('must be written as a literal')
    expect(() => render([directive('if', variable(text))])).toThrow('is no variable')
  })

  it('ends with the option that caused it, which a refusal names', () => {
    expect(
      render([from('port', directive('listen', 80)), from('mount-point', block('location', ['/'], [directive('return', 404)]))]),
    ).toBe('listen 80;  # --port\nlocation / {  # --mount-point\n    return 404;\n}\n')
    expect(() => render([from('mount-point', directive('location', literal('a\nb')))])).toThrow('--mount-point')
  })
})

requires('nginx').describe('nginx itself', () => {
  // A "/" cannot be in a name, and a "$" not in the access log's.
  it.each(HOSTILE)('takes a server root named %j for that', async (name) => {
    await withServerRoot(name, (directory) => {
      const { ok, output } = nginxTest(directory, nginxText(siteIn(directory, { mountPoint: `/${name}` })))
      expect(output).toContain('test is successful')
      expect(ok).toBe(true)
      expect(readdirSync(directory).toSorted()).toEqual([
        'access.log',
        'error.log',
        'nginx.conf',
        'nginx.pid',
        'temp',
        'tsgi-failures.log',
      ])
      expect(existsSync(join(directory, 'temp/body'))).toBe(true)
    })
  })

  it.each(WITH_DOLLAR)('takes a mount point and a socket named %j for that', async (name) => {
    await withServerRoot('root', (directory) => {
      const site = siteIn(directory, { mountPoint: `/${name}`, socketPath: `${directory}/${name}.sock` })
      expect(nginxTest(directory, nginxText(site)).output).toContain('test is successful')
    })
  })
})
