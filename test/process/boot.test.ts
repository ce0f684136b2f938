import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { fixture, Served, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist')

/** Serves what cannot be served, on a socket in a directory that must be empty afterwards. */
async function refused(
  app: string,
  args: readonly string[] = [],
  cwd?: string,
): Promise<{ code: number | string; output: string }> {
  const directory = temporaryDirectory()
  const served = new Served({
    args: [app, '--bind', `unix:${join(directory, 'app.sock')}`, ...args],
    ...(cwd === undefined ? {} : { cwd }),
  })
  const code = await served.ended
  expect(readdirSync(directory)).toEqual([])
  return { code, output: served.output }
}

describe('a first boot that fails', () => {
  test('ends with the error of the application and its place in the TypeScript source', async () => {
    const { code, output } = await refused(fixture('throws-on-load.ts'), ['--workers', '2'])
    expect(code).toBe(1)
    expect(output).toMatch(/^tsgi: TSGI_ERR_WORKER_BOOT .*TSGI_ERR_APP_LOAD .*throws-on-load\.ts: Error: no database orders$/m)
    expect(output).toMatch(/^ +at connect \(.*throws-on-load\.ts:7:9\)$/m)
    expect(output).toMatch(/^ +at .*throws-on-load\.ts:10:\d+\)?$/m)
    expect(output).not.toContain('Ready')
    // Each thing once, and no frames of ours.
    expect(output.match(/no database orders/g)).toHaveLength(1)
    expect(output).not.toContain('The application failed while loading')
    expect(output).not.toMatch(/^ +at .*\/dist\/(?:process|loading)\//m)
    expect(output).toMatch(/^ +… \d+ frames of tsgi$/m)
  })

  for (const app of ['hangs-on-load.js', 'spins-on-load.js']) {
    test(`is killed at the startup timeout when it never ends: ${app}`, async () => {
      const startedAt = performance.now()
      const { code, output } = await refused(fixture(app), ['--startup-timeout', '700ms'])
      expect(code).toBe(1)
      expect(performance.now() - startedAt).toBeLessThan(3000)
      expect(output).toContain(`not ready after 700 ms (--startup-timeout): it was still loading ${app}, and was killed`)
    })
  }

  test('names what it waited for when a script neither exports an application nor listens', async () => {
    const { code, output } = await refused(fixture('never-listens.js'), ['--startup-timeout', '700ms'])
    expect(code).toBe(1)
    expect(output).toContain(
      'it waited for never-listens.js, which exports no application, to call listen() of a node:http server',
    )
  })

  test('says so when the application ends the process', async () => {
    const { code, output } = await refused(fixture('exits-on-load.js'))
    expect(code).toBe(1)
    expect(output).toContain('TSGI_ERR_WORKER_BOOT A worker did not start: it ended with exit code 3 before it was ready')
  })

  test('lists the exports when none is an application', async () => {
    const { output } = await refused(fixture('helpers-only.js'))
    expect(output).toContain('TSGI_ERR_APP_EXPORT')
    expect(output).toContain('exports greet (function), settings (object), sizes (array); none of them is an application')
    expect(output).toContain('Export the application as "application" or "default", name its export as in helpers-only.js:main')
  })

  test('says what to write when nothing is exported', async () => {
    const { output } = await refused(fixture('exports-nothing.js'))
    expect(output).toContain(
      '"exports-nothing.js" exports nothing. Export an application as "application" or "default", or call listen()',
    )
  })

  test('names the candidates when there is more than one', async () => {
    const { output } = await refused(fixture('two-candidates.js'))
    expect(output).toContain('TSGI_ERR_APP_AMBIGUOUS')
    expect(output).toContain('Say which: two-candidates.js:blog or two-candidates.js:shop')
  })

  test('finds close names of a file that is not there', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'wsgi.js'), '')
    const { code, output } = await refused('wsgi.ts', [], directory)
    expect(code).toBe(1)
    expect(output).toMatch(/^tsgi: TSGI_ERR_APP_NOT_FOUND .*Did you mean "wsgi\.js"\?$/m)
  })

  test('shows the place of a syntax error in JavaScript', async () => {
    const directory = temporaryDirectory()
    const app = join(directory, 'wsgi.js')
    writeFileSync(app, 'export const application = (environ) => {\n\n  return [\n}\n')
    const { output } = await refused(app)
    expect(output).toMatch(/TSGI_ERR_APP_LOAD .*wsgi\.js: SyntaxError: /)
    expect(output).toMatch(/wsgi\.js:4$/m)
  })

  test('reports a module that is missing without trying a loader', async () => {
    const directory = temporaryDirectory()
    const app = join(directory, 'wsgi.mjs')
    writeFileSync(app, "import 'not-installed-anywhere'\n")
    const { output } = await refused(app)
    expect(output).toMatch(/TSGI_ERR_APP_LOAD .*Cannot find package 'not-installed-anywhere'/)
    expect(output).not.toContain('is loaded with')
  })
})

describe('a command line that is wrong', () => {
  test('ends with code 2 and one line', async () => {
    const served = new Served({ args: [fixture('hello.js'), '--workers', 'many'] })
    expect(await served.ended).toBe(2)
    expect(served.output).toBe(
      'tsgi: TSGI_ERR_OPTION Invalid option: --workers is "many", but takes auto, or an integer from 1 to 1024\n',
    )
  })

  test('suggests the option that was meant', async () => {
    const served = new Served({ args: [fixture('hello.js'), '--worker', '2'] })
    expect(await served.ended).toBe(2)
    expect(served.output).toContain('Did you mean --workers?')
  })

  test('names an address that is none', async () => {
    const served = new Served({ args: [fixture('hello.js'), '--bind', 'nowhere'] })
    expect(await served.ended).toBe(2)
    expect(served.output).toContain('TSGI_ERR_BIND_INVALID')
  })
})

describe('the default application', () => {
  test('is wsgi.ts or wsgi.js of the directory', async () => {
    const directory = temporaryDirectory()
    writeFileSync(
      join(directory, 'wsgi.js'),
      "exports.application = (environ, startResponse) => { startResponse('200 OK', []); return 'ok' }",
    )
    const socket = join(directory, 'app.sock')
    const served = await new Served({ args: ['--bind', `unix:${socket}`, '--pid-file', 'tsgi.pid'], cwd: directory }).ready()
    expect(existsSync(join(directory, 'tsgi.pid'))).toBe(true)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(readdirSync(directory)).toEqual(['wsgi.js'])
  })

  test('is asked for where there is neither', async () => {
    const served = new Served({ args: [], cwd: temporaryDirectory() })
    expect(await served.ended).toBe(1)
    expect(served.output).toContain('neither wsgi.ts nor wsgi.js is in')
  })
})
