import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { otherNodes, requires } from '../support/requirements.ts'
import { get, Served, temporaryDirectory, write } from './served.ts'

// TypeScript in CommonJS packages. What the compiler would have made of it is what is expected; every application is written out
// by its test, because this project's own compiler settings refuse it.

/** Answers with a text. */
const reply = (text: string): string => `(_: unknown, response: import('node:http').ServerResponse) => { response.end(${text}) }`

/** As Nest's command line interface makes it. No `type` in package.json. */
const NEST_TSCONFIG = JSON.stringify({
  compilerOptions: {
    module: 'commonjs',
    target: 'ES2021',
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    allowSyntheticDefaultImports: true,
    baseUrl: './',
    paths: { '@lib/*': ['./lib/*'] },
  },
})
const COMMONJS = '{"compilerOptions":{"module":"commonjs","esModuleInterop":true}}'

const DECORATORS = `
export const types: string[] = []
Object.assign(Reflect, {
  metadata: (key: string, value: Function[]) => (target: Function) => {
    if (key === 'design:paramtypes') types.push(target.name + '(' + value.map((each) => each?.name) + ')')
  },
})
export function Injectable(): ClassDecorator { return () => {} }
`

interface Case {
  readonly title: string
  /** The first is the application. */
  readonly files: Readonly<Record<string, string>>
  readonly body: string
}

const CASES: readonly Case[] = [
  {
    title:
      'decorated classes of two files that import each other, paths, baseUrl, and a script that listens where it is the main module',
    files: {
      'src/main.ts': `import * as http from 'node:http'
import { basename } from 'node:path'
import { Orders } from './orders'
import { types } from '@lib/decorators'
import { suffix } from 'lib/suffix'

async function bootstrap(): Promise<void> {
  const { sep } = require('node:path') as typeof import('node:path')
  http.createServer(${reply("[basename(__dirname), basename(__filename), sep, ...types, Orders.name].join(' ') + suffix")}).listen(3000)
}
if (require.main === module) void bootstrap()
`,
      'src/orders.ts': `import { Injectable } from '@lib/decorators'
import { Customers } from './customers'
@Injectable()
export class Orders { constructor(readonly customers: Customers) {} }
`,
      'src/customers.ts': `import { Injectable } from '@lib/decorators'
import { Orders } from './orders'
@Injectable()
export class Customers { constructor(readonly orders: Orders, readonly name: string) {} }
`,
      'lib/decorators.ts': DECORATORS,
      'lib/suffix.ts': "export const suffix: string = '!'",
      'tsconfig.json': NEST_TSCONFIG,
      'package.json': '{}',
    },
    // The second class was not there yet when the first was decorated, which is where Nest asks for forwardRef().
    body: 'src main.ts / Customers(Object,String) Orders(Customers) Orders!',
  },
  {
    title: 'modules that import each other: functions, lists of exports and barrels are there from the start',
    files: {
      'app.ts': `import './one'
import { Late, early, all } from './barrel'
export default ${reply('`${early()} ${Late.name} ${Object.keys(all).sort()}`')}`,
      'barrel.ts':
        "import * as all from './one'\nexport { all, Late }\nimport { Late } from './two'\nexport * from './one'\nexport * from './two'",
      'one.ts': `import { fromTwo } from './two'
export { Listed, given as renamed }
const given = fromTwo
class Listed {}
export function early(): string { return given }`,
      'two.ts': `import { early, Listed } from './barrel'
export const fromTwo: string = typeof early + typeof Listed
export class Late {}`,
      'tsconfig.json': COMMONJS,
      'package.json': '{}',
    },
    body: 'functionundefined Late Listed,early,renamed',
  },
  {
    title: 'an enum, a namespace, import = and export =',
    files: {
      'app.ts': `import path = require('node:path')
import make = require('./make')
import { Colour, Shapes } from './shapes'
const app = ${reply('make([Colour.Red, Shapes.Square.sides, path.sep])')}
export = app`,
      'make.ts':
        'function make(parts: unknown[]): string { return parts.join() }\nnamespace make { export const version = 1 }\nexport = make',
      'shapes.ts': "export enum Colour { Red = 'red' }\nexport namespace Shapes { export class Square { static sides = 4 } }",
      'package.json': '{"type":"commonjs"}',
    },
    body: 'red,4,/',
  },
  {
    title: 'import * of a function, where esModuleInterop is off',
    files: {
      'app.ts': `import * as call from './call'\nexport const handler = ${reply('call()')}`,
      'call.ts': "function call(): string { return 'called' }\nexport = call",
      'tsconfig.json': '{"compilerOptions":{"module":"CommonJS"}}',
      'package.json': '{}',
    },
    body: 'called',
  },
  {
    title: 'a promise as the default export',
    files: {
      'app.ts': `import { setImmediate } from 'node:timers/promises'
async function bootstrap() { await setImmediate(); return ${reply('typeof module')} }
export default bootstrap()`,
      'tsconfig.json': '{"compilerOptions":{"module":"nodenext"}}',
    },
    body: 'object',
  },
  {
    title: 'an ES module nevertheless, where verbatimModuleSyntax allows nothing else',
    files: {
      'app.ts': `import { sep } from 'node:path'\nexport const handler = ${reply('sep + typeof module')}`,
      'tsconfig.json': '{"compilerOptions":{"module":"nodenext","verbatimModuleSyntax":true}}',
      'package.json': '{}',
    },
    body: '/undefined',
  },
  {
    title: '.cts in a package of ES modules, and .tsx',
    files: {
      'app.cts': `import { page } from './page.cjs'\nexport default ${reply('page + typeof require')}`,
      'page.cts': "import { part } from './sub/part.js'\nexport const page = part",
      'sub/package.json': '{"type":"commonjs"}',
      'sub/part.tsx': "import { sep } from 'node:path'\nexport const part: string = `${sep}${typeof __dirname}`",
      'package.json': '{"type":"module"}',
    },
    body: '/stringfunction',
  },
  {
    title: 'packages of ES modules, and import() of them and of its own files',
    files: {
      'app.ts': `import { installed } from 'esm-only'
import { own } from './esm/own'
import { count } from './counter'
async function bootstrap() {
  const again = await import('./counter')
  const { waited } = await import('awaits')
  return ${reply("[installed, own, waited, again.count === count, again.named()].join(' ')")}
}
export default bootstrap()`,
      'counter.ts': 'export const count = {}\nexport const named = (): string => typeof module',
      'esm/own.ts': 'export const own: string = typeof module + import.meta.url.slice(0, 5)',
      'esm/package.json': '{"type":"module"}',
      'node_modules/esm-only/package.json': '{"type":"module","exports":{"import":"./main.js","require":"./main.js"}}',
      'node_modules/esm-only/main.js': "export const installed = 'installed'",
      'node_modules/awaits/package.json': '{"type":"module","exports":"./main.js"}',
      'node_modules/awaits/main.js': "export const waited = await Promise.resolve('waited')",
      'tsconfig.json': COMMONJS,
      'package.json': '{}',
    },
    body: 'installed undefinedfile: waited true object',
  },
]

const { describe, test } = requires('dist')

for (const node of [process.execPath, ...otherNodes]) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()

  describe(`CommonJS on Node ${version} (${node})`, () => {
    const served = (files: Case['files']): { server: Served; socket: string } => {
      const { app, socket } = write(files)
      return { server: new Served({ node, args: [app, '--bind', `unix:${socket}`] }), socket }
    }

    for (const { title, files, body } of CASES) {
      test(title, async () => {
        const { server, socket } = served(files)
        await server.ready()
        expect(await get(socket)).toEqual({ status: 200, body })
      })
    }

    for (const [name, text] of [
      [
        'app.js',
        "if (require.main === module) require('node:http').createServer((_, response) => response.end('main')).listen(3000)",
      ],
      [
        'app.ts',
        "const main: boolean = require.main === module\nexports.handler = (_: unknown, response: any) => response.end(main ? 'main' : 'not')",
      ],
    ] as const) {
      test(`require.main === module in ${name} without imports`, async () => {
        const { server, socket } = served({ [name]: text, 'package.json': '{"type":"commonjs"}' })
        await server.ready()
        expect((await get(socket)).body).toBe('main')
      })
    }

    test('an error points into the TypeScript source, below an enum, a decorator and imports of several lines', async () => {
      const { server } = served({
        'app.ts': `import {
  types,
  Injectable,
} from './decorators'
enum Colour {
  Red,
  Blue,
}
@Injectable()
class Shop {
  constructor(private readonly colour: string) {}
}
function joined(
  ...parts: unknown[]
): string {
  return parts.join()
}
export const x = joined(
  types,
  Colour.Red,
  joined(Injectable(), Shop,
    fails(types)),
)
function fails(what: unknown): never {
  throw new Error('here')
}
`,
        'decorators.ts': DECORATORS,
        'tsconfig.json': NEST_TSCONFIG,
        'package.json': '{}',
      })
      expect(await server.ended).toBe(1)
      expect(server.output).toMatch(/TSGI_ERR_APP_LOAD .*app\.ts: Error: here/)
      expect(server.output).toMatch(/at fails \(.*app\.ts:25:9\)/)
      expect(server.output).toMatch(/at Object\.<anonymous> \(.*app\.ts:22:5\)/)
    })

    for (const [what, text] of [
      ['top-level await', 'await Promise.resolve()'],
      ['import.meta', 'console.log(import.meta.url)'],
    ] as const) {
      test(`${what}: refused where package.json says CommonJS, else an ES module`, async () => {
        const app = `import 'node:http'\n${text}\nexport const handler = ${reply('typeof module')}`
        const refused = served({ 'app.ts': app, 'package.json': '{"type":"commonjs"}' })
        expect(await refused.server.ended).toBe(1)
        expect(refused.server.output).toMatch(
          new RegExp(`TSGI_ERR_APP_LOAD .*app\\.ts uses ${what}, .* loaded as CommonJS: write "type": "module"`),
        )
        const { server, socket } = served({ 'app.ts': app, 'tsconfig.json': COMMONJS, 'package.json': '{}' })
        await server.ready()
        expect((await get(socket)).body).toBe('undefined')
      })
    }
  })
}

test('a file that is reached by a link is the main module, too', async () => {
  const directory = temporaryDirectory()
  const { app, socket } = write({
    'app.cjs': "if (require.main === module) exports.handler = (_, response) => response.end('main')",
  })
  execFileSync('ln', ['-s', app, join(directory, 'link.cjs')])
  await new Served({ args: [join(directory, 'link.cjs'), '--bind', `unix:${socket}`] }).ready()
  expect((await get(socket)).body).toBe('main')
})
