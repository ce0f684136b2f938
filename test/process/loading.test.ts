import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { otherNodes, requires } from '../support/requirements.ts'
import { fixture, get, Served, temporaryDirectory, write } from './served.ts'

// TypeScript that this project's own compiler settings refuse is written out by the tests; the rest are fixtures.

const TYPED = `
interface Reply {
  readonly text: string
}
const reply: Reply = { text: 'typed' }
`
const SERVES = `(environ: unknown, startResponse: (status: string, headers: string[][]) => void) => {
  startResponse('200 OK', [])
  return reply.text
}
`
const ESM = `${TYPED}export const application = ${SERVES}`
const COMMONJS = `${TYPED}exports.application = ${SERVES}`

interface Case {
  readonly title: string
  /** The first is the application. */
  readonly files: Readonly<Record<string, string>>
  readonly body: string
  /** The reason why Node alone is not enough, where it strips types at all. */
  readonly loader?: RegExp
}

const CASES: readonly Case[] = [
  { title: 'an ES module', files: { 'wsgi.ts': ESM, 'package.json': '{"type":"module"}' }, body: 'typed' },
  { title: 'an ES module without a package', files: { 'wsgi.ts': ESM }, body: 'typed' },
  { title: 'CommonJS', files: { 'wsgi.ts': COMMONJS, 'package.json': '{"type":"commonjs"}' }, body: 'typed' },
  { title: 'CommonJS in .cts', files: { 'wsgi.cts': COMMONJS, 'package.json': '{"type":"module"}' }, body: 'typed' },
  { title: 'top-level await', files: { 'wsgi.mts': `await Promise.resolve()\n${ESM}` }, body: 'typed' },
  {
    title: 'an enum',
    files: {
      'wsgi.ts': `enum Colour { Red = 'red' }\nconst reply: { text: string } = { text: Colour.Red }\nexport const application = ${SERVES}`,
    },
    body: 'red',
    loader: /it uses TypeScript that Node does not strip, such as an enum/,
  },
  {
    title: 'paths of a tsconfig, with comments, that is extended',
    files: {
      'src/wsgi.ts': `import { reply } from '@lib/reply'\nexport const application = ${SERVES}`,
      'lib/reply.ts': "export const reply: { text: string } = { text: 'by path' }",
      'tsconfig.json': '{ "extends": "./tsconfig.base", /* nothing of its own */ }',
      'tsconfig.base.json': '// the base\n{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"], }, }, }',
      'package.json': '{"type":"module"}',
    },
    body: 'by path',
    loader: /tsconfig\.json has paths/,
  },
  {
    title: 'decorators with metadata',
    files: {
      'wsgi.ts': `
const seen: string[] = []
Object.assign(Reflect, { metadata: (key: string, value: { name: string }) => () => { if (key === 'design:type') seen.push(value.name) } })
const field = (target: object, key: string): void => {}
class Order { @field customer!: String }
const reply: { text: string } = { text: seen.join() + String(typeof Order) }
export const application = ${SERVES}`,
      'tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }',
    },
    body: 'Stringfunction',
    loader: /tsconfig\.json has emitDecoratorMetadata/,
  },
  {
    title: 'imports without an extension',
    files: {
      'wsgi.ts': `import { reply } from './reply'\nexport const application = ${SERVES}`,
      'reply.ts': "export const reply: { text: string } = { text: 'no extension' }",
      'package.json': '{"type":"module"}',
    },
    body: 'no extension',
    loader: /it imports TypeScript under a name without \.ts/,
  },
  {
    title: 'types imported as if they were values',
    files: {
      'wsgi.ts': `import { Reply } from './types.ts'\nconst reply: Reply = { text: 'type' }\nexport const application = ${SERVES}`,
      'types.ts': 'export interface Reply { text: string }',
      'package.json': '{"type":"module"}',
    },
    body: 'type',
    loader: /it imports a type without saying so/,
  },
  {
    title: 'import in a CommonJS package',
    files: {
      'wsgi.ts': `import { sep } from 'node:path'\nconst reply: { text: string } = { text: sep }\nexport const application = ${SERVES}`,
      'package.json': '{"type":"commonjs"}',
    },
    body: '/',
    loader: /it uses import in a CommonJS package/,
  },
]

const { describe, test } = requires('dist')

for (const node of [process.execPath, ...otherNodes]) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  const strips = execFileSync(node, ['-p', '!!process.features.typescript'], { encoding: 'utf8' }).trim() === 'true'

  describe(`loading TypeScript on Node ${version} (${node})`, () => {
    for (const { title, files, body, loader } of CASES) {
      test(title, async () => {
        const { app, socket } = write(files)
        const served = await new Served({ node, args: [app, '--bind', `unix:${socket}`, '--workers', '2'] }).ready()
        expect(await get(socket)).toEqual({ status: 200, body })
        if (!strips) expect(served.output).toMatch(/is loaded with @oxc-node\/core: Node 20\.\S+ does not strip types/)
        else if (loader !== undefined) expect(served.output).toMatch(loader)
        else expect(served.output).not.toContain('is loaded with')
        expect(served.output.split('is loaded with').length, 'said once').toBeLessThan(3)
      })
    }

    test('an error points into the TypeScript source, with and without the loader', async () => {
      const text = (prefix: string): string =>
        `${prefix}\ninterface Long {\n  a: 1\n}\n\nfunction fails(): never {\n  throw new Error('here')\n}\nfails()\n`
      for (const prefix of ['', 'enum Colour { Red }']) {
        const { app, socket } = write({ 'wsgi.ts': text(prefix) })
        const served = new Served({ node, args: [app, '--bind', `unix:${socket}`] })
        expect(await served.ended).toBe(1)
        expect(served.output).toMatch(/TSGI_ERR_APP_LOAD .*wsgi\.ts: Error: here/)
        expect(served.output).toMatch(/at fails \(.*wsgi\.ts:7:9\)/)
      }
    })

    test('a syntax error names the file and the line', async () => {
      const { app, socket } = write({ 'wsgi.ts': 'export const a: number = 1\n\nexport const b = (\n' })
      const served = new Served({ node, args: [app, '--bind', `unix:${socket}`] })
      expect(await served.ended).toBe(1)
      expect(served.output).toMatch(/TSGI_ERR_APP_LOAD .*wsgi\.ts/)
      // The loader does not say the line: it is found, and the column as well. Node says the line.
      expect(served.output).toMatch(strips ? /wsgi\.ts:3$/m : /wsgi\.ts:3:19$/m)
    })
  })

  describe(`loading JavaScript on Node ${version} (${node})`, () => {
    for (const [app, body] of [
      ['hello.js', /"path":"\/"/],
      ['commonjs.cjs', /^commonjs$/],
    ] as const) {
      test(app, async () => {
        const socket = join(temporaryDirectory(), 'app.sock')
        const served = await new Served({ node, args: [fixture(app), '--bind', `unix:${socket}`] }).ready()
        expect((await get(socket)).body).toMatch(body)
        expect(served.output).not.toContain('is loaded with')
      })
    }

    test('a package directory', async () => {
      const { app, socket } = write({
        'package.json': '{"type":"module","exports":"./lib/main.js"}',
        'lib/main.js': "export const main = (environ, startResponse) => { startResponse('200 OK', []); return 'package' }",
      })
      await new Served({ node, args: [`${dirname(app)}:main`, '--bind', `unix:${socket}`, '--interface', 'tsgi'] }).ready()
      expect((await get(socket)).body).toBe('package')
    })
  })
}
