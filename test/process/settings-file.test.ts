import { describe, expect, it } from 'vitest'
import { defineConfig } from '../../src/index.ts'
import { requires } from '../support/requirements.ts'
import { APPLICATION, printed, project, run, write } from './commands.ts'
import { get, Served } from './served.ts'

const PRINT = ['tsgi', 'serve']

requires('dist').describe('the configuration file', () => {
  it.each([
    ['tsgi.config.ts', 'import { defineConfig } from "tsgi"\nexport default defineConfig({ processes: 3 as number })'],
    [
      'tsgi.config.mts',
      'import { defineConfig } from "tsgi"\nexport default defineConfig(async () => ({ processes: 3 as number }))',
    ],
    ['tsgi.config.js', 'import { defineConfig } from "tsgi"\nexport default defineConfig({ processes: 3 })'],
    ['tsgi.config.mjs', 'export default () => ({ processes: 3 })'],
    ['tsgi.config.cjs', 'const { defineConfig } = require("tsgi")\nmodule.exports = defineConfig({ processes: 3 })'],
    ['tsgi.config.json', '{ "processes": 3 }'],
  ])('is %s', async (name, text) => {
    const cwd = project({ [name]: text, 'wsgi.js': APPLICATION })
    expect((await printed(PRINT, { cwd }))['processes']).toEqual({ value: 3, source: name })
  })

  it('may be all of TypeScript, import others, wait, and ask where it is', async () => {
    const cwd = project({
      'tsgi.config.ts': `
        import { join } from 'node:path'
        import { defineConfig, type Config } from 'tsgi'
        import { Size } from './config/size'
        import data from './config/data.json' with { type: 'json' }
        const late: Config = await Promise.resolve({ logLevel: 'debug' })
        export default defineConfig({ ...late, processes: Size.Two, pidFile: join(import.meta.dirname, 'a.pid'), setenv: data })`,
      'config/size.ts': `export * from './again.js'\nexport enum Size { Two = 2 }`,
      'config/again.ts': `import type { Size } from './size'\nexport const none: Size | undefined = undefined`,
      'config/data.json': '{ "A": 1 }',
      'wsgi.js': APPLICATION,
    })
    const { processes, pidFile, setenv, logLevel } = await printed(PRINT, { cwd })
    expect([processes?.value, pidFile?.value, setenv?.value, logLevel?.value]).toEqual([2, `${cwd}/a.pid`, { A: '1' }, 'debug'])
  })

  it('takes each value in its natural type and as the command line has it', async () => {
    const cwd = project({
      'tsgi.config.mjs': `export default {
        startupTimeout: 1.5, gracefulTimeout: '500ms', limitRequestBody: 65536, socketMode: 0o600, bind: ['127.0.0.1:1', 'unix:/tmp/a'],
        setenv: { A: 'x', B: 2, C: true }, processes: 'auto', envFile: 'a.env', mountPoint: '/', pidFile: undefined, minProcesses: 1 }`,
      'a.env': '',
      'wsgi.js': APPLICATION,
    })
    const values = Object.fromEntries(Object.entries(await printed(PRINT, { cwd })).map(([key, { value }]) => [key, value]))
    expect(values).toMatchObject({
      startupTimeout: '1.5s',
      gracefulTimeout: '500ms',
      limitRequestBody: '64KB',
      socketMode: '600',
      bind: ['127.0.0.1:1', 'unix:/tmp/a'],
      setenv: { A: 'x', B: '2', C: 'true' },
      envFile: [`${cwd}/a.env`],
      mountPoint: '/',
      pidFile: null,
    })
  })

  it('holds over the defaults, and under the environment and the command line', async () => {
    const cwd = project({
      'tsgi.config.json': '{ "processes": 2, "mountPoint": "/file", "logLevel": "warn", "interface": "tsgi" }',
      'wsgi.js': APPLICATION,
    })
    const env = { TSGI_MOUNT_POINT: '/environment', TSGI_LOG_LEVEL: 'error', WEB_CONCURRENCY: '9' }
    const said = await printed([...PRINT, '--log-level', 'debug'], { cwd, env })
    expect(said).toMatchObject({
      processes: { value: 2, source: 'tsgi.config.json' },
      interface: { value: 'tsgi', source: 'tsgi.config.json' },
      mountPoint: { value: '/environment', source: 'TSGI_MOUNT_POINT' },
      logLevel: { value: 'debug', source: 'command line' },
      protocol: { value: 'auto', source: 'default' },
    })
  })

  it('is found here, in the package of the application, or where --config or TSGI_CONFIG says', async () => {
    const cwd = project({
      'app/package.json': '{}',
      'app/tsgi.config.json': '{ "processes": 2 }',
      'app/src/wsgi.js': APPLICATION,
      'other/x.json': '{ "processes": 3, "app": "../app/src/wsgi.js:application" }',
    })
    const processes = async (args: string[], env: Record<string, string> = {}): Promise<unknown> =>
      (await printed([...PRINT, ...args], { cwd, env }))['processes']
    expect(await processes(['app/src/wsgi.js'])).toEqual({ value: 2, source: 'app/tsgi.config.json' })
    expect(await processes([], { TSGI_APP: 'app/src/wsgi.js' })).toEqual({ value: 2, source: 'app/tsgi.config.json' })
    write(cwd, 'other/y.json', '{ "workers": 5 }')
    expect(await processes(['app/src/wsgi.js', '--config', 'other/y.json'])).toEqual({ value: 5, source: 'other/y.json' })
    expect(await processes(['--config', 'other/x.json'])).toEqual({ value: 3, source: 'other/x.json' })
    expect(await processes([], { TSGI_CONFIG: 'other/x.json' })).toEqual({ value: 3, source: 'other/x.json' })
    const { app } = await printed([...PRINT, '--config', 'other/x.json'], { cwd })
    expect(app).toEqual({ value: 'app/src/wsgi.js:application', source: 'other/x.json' })
    write(cwd, 'tsgi.config.json', '{ "processes": 4 }')
    expect(await processes(['app/src/wsgi.js'])).toEqual({ value: 4, source: 'tsgi.config.json' })
  })

  it.each([
    ['a key that does not exist', '{ "procesess": 1 }', 'unknown key "procesess" in tsgi.config.json; did you mean "processes"?'],
    [
      'the name of a flag',
      '{ "startup-timeout": 1 }',
      'unknown key "startup-timeout" in tsgi.config.json; did you mean "startupTimeout"?',
    ],
    [
      'one setting by two names',
      '{ "workers": 1, "processes": 2 }',
      '"workers" and "processes" in tsgi.config.json are one setting; give one of them',
    ],
    [
      'what is for the command line',
      '{ "checkConfig": true }',
      '"checkConfig" in tsgi.config.json: --check-config is for the command line',
    ],
    ['a value of a wrong type', '{ "processes": true }', 'processes in tsgi.config.json is "true", but takes number'],
    [
      'a value out of range',
      '{ "processes": 0 }',
      'processes in tsgi.config.json is "0", but takes auto, or an integer from 1 to 1024',
    ],
    ['a list', '[]', 'tsgi.config.json gives an array'],
    ['what is not JSON', '{\n  "port": 1,\n}', 'tsgi.config.json:3 is not JSON'],
    ['an app that is no text', '{ "app": 3 }', 'app in tsgi.config.json is "3"'],
  ])('is refused with %s', async (_, text, message) => {
    const cwd = project({ 'tsgi.config.json': text, 'wsgi.js': APPLICATION })
    const { code, stderr, stdout } = await run([...PRINT, '--check-config'], { cwd })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^tsgi: TSGI_ERR_(?:CONFIG|OPTION) /)
  })

  it.each([
    [
      'throws.ts',
      'const n: number = 1\n\nthrow new Error("no database")',
      /throws\.ts:3: Error: no database\n {4}.*throws\.ts:3:7/,
    ],
    ['throws.mjs', 'export default () => {\n  null.x\n}', /throws\.mjs:2: TypeError: Cannot read/],
    ['throws.cjs', '\nthrow "plain"', /throws\.cjs: thrown: "plain"/],
    ['syntax.mjs', 'export default {\n  a: 1\n  b: 2\n}', /syntax\.mjs:3: SyntaxError/],
    ['nothing.ts', 'const n: number = 1', /nothing\.ts gives nothing; write `export default defineConfig/],
    ['syntax.ts', 'export default {\n  a: 1\n  b: 2\n}', /syntax\.ts:3: (?:SyntaxError|Error): .+/],
    [
      'export.ts',
      'import { a } from "./x.ts"\nexport default { app: a }',
      /export\.ts(?::\d)?: SyntaxError: The requested module '(?:\.\/x\.ts|file:\S+\/x\.ts)' does not provide an export named 'a'/,
    ],
    ['missing.mjs', 'import "./nowhere.mjs"', /missing\.mjs: Error: Cannot find module/],
    ['config.yaml', 'a: 1', /the name of "config\.yaml" must end in one of \.ts/],
  ])('says what is wrong with %s', async (name, text, message) => {
    const cwd = project({ [name]: text, 'wsgi.js': APPLICATION, 'x.ts': 'export const b: number = 1' })
    const { code, stderr } = await run([...PRINT, '--config', name], { cwd })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^tsgi: TSGI_ERR_CONFIG The configuration file cannot be used/)
    expect(stderr).not.toMatch(/node:internal|dist\/process/)
    expect(code).toBe(2)
  })

  it('is one: two in a directory are refused, and one that is named has to be there', async () => {
    const cwd = project({ 'tsgi.config.json': '{}', 'tsgi.config.mjs': 'export default {}', 'wsgi.js': APPLICATION })
    expect(await run(PRINT, { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('holds both tsgi.config.mjs and tsgi.config.json'),
    })
    expect(await run([...PRINT, '--config', 'x.ts'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no file "x.ts"'),
    })
  })

  it.each(['ts', 'mjs', 'cjs'])(
    'is read anew at HUP, tsgi.config.%s with what it imports and the env files',
    async (extension) => {
      const esm = extension !== 'cjs'
      const other = `other.${extension}`
      const value = (a: string): string => (esm ? `export const a = '${a}'` : `exports.a = '${a}'`)
      const head = esm
        ? `import { a } from './${other}'\nimport data from './data.json' with { type: 'json' }\nexport default`
        : `const { a } = require('./${other}')\nconst data = require('./data.json')\nmodule.exports =`
      const file = (bind: string): string =>
        `${head} { app: 'app.js', bind: '${bind}', envFile: 'b.env', setenv: { A: a, C: data.c } }`
      const cwd = project({
        [other]: value('old'),
        [`tsgi.config.${extension}`]: '',
        'app.js': APPLICATION,
        'b.env': 'B=old',
        'data.json': '{ "c": 1 }',
      })
      write(cwd, `tsgi.config.${extension}`, file('unix:a.sock'))
      const server = await new Served({ args: [], cwd }).ready()
      const target = `${cwd}/a.sock`
      expect((await get(target)).body).toBe('old old 1')

      write(cwd, other, value('new'))
      write(cwd, 'b.env', 'B=new')
      write(cwd, 'data.json', '{ "c": 2 }')
      write(cwd, `tsgi.config.${extension}`, file('unix:b.sock'))
      server.kill('SIGHUP')
      await server.until(/reloaded/)
      expect((await get(target)).body).toBe('new new 2')
      expect(server.output).toContain('changed, but not before the next start: bind')

      write(cwd, other, `${value('broken')}\nthrow new Error("broken deploy")`)
      server.kill('SIGHUP')
      await server.until(/TSGI_ERR_CONFIG reload failed: .*broken deploy/)
      expect((await get(target)).body).toBe('new new 2')

      write(cwd, other, value('newest'))
      server.kill('SIGHUP')
      await server.until(/reloaded:[^]*reloaded:/)
      expect((await get(target)).body).toBe('newest new 2')
    },
  )
})

requires('dist', 'full').test('the configuration file gets ten seconds', async () => {
  const cwd = project({ 'tsgi.config.mjs': 'await new Promise(() => {})', 'wsgi.js': APPLICATION })
  expect((await run(PRINT, { cwd })).stderr).toContain('tsgi.config.mjs has not loaded after 10 s')
})

describe('defineConfig', () => {
  it('gives its argument back, and takes nothing that the table has not', () => {
    const config = { app: 'wsgi.ts', processes: 2, gracefulTimeout: '30s', setenv: { A: 1 }, bind: ['127.0.0.1:1'] } as const
    expect(defineConfig(config)).toBe(config)
    const factory = async () => ({ startupTimeout: 30, wire: 'http' as const })
    expect(defineConfig(factory)).toBe(factory)
    // The compiler's errors are the test: without one of them, the line fails to compile.
    // @ts-expect-error no such key
    defineConfig({ procesess: 1 })
    defineConfig({ workers: 2 })
    // @ts-expect-error not a number
    defineConfig({ workers: 'many' })
    // @ts-expect-error not a number
    defineConfig({ processes: 'many' })
    // @ts-expect-error none of the choices
    defineConfig({ logLevel: 'loud' })
    // @ts-expect-error for the command line
    defineConfig({ checkConfig: true })
    // @ts-expect-error no such key
    defineConfig(() => ({ procesess: 1 }))
  })
})
