import { symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { expect } from 'vitest'
import { project, run } from '../process/commands.ts'
import type { Done } from '../process/commands.ts'
import { requires } from '../support/requirements.ts'

const { describe, test } = requires('dist')

const GOOD = `
  export const application = async (environ, startResponse) => {
    await environ['tsgi.input'].read()
    startResponse('200 OK', [['Content-Type', 'text/plain'], ['ETag', '"v1"']])
    return environ.HTTP_IF_NONE_MATCH === undefined ? ['hello ', environ.SCRIPT_NAME + environ.PATH_INFO] : 'changed'
  }`

function check(files: Readonly<Record<string, string>>, ...args: string[]): Promise<Done> {
  const directory = project({ 'package.json': '{"type":"module"}', ...files })
  symlinkSync(fileURLToPath(new URL('../../node_modules/express', import.meta.url)), join(directory, 'node_modules/express'))
  return run(['tsgi', 'check', ...args], { cwd: directory })
}

interface Problem {
  readonly severity: string
  readonly code: string
  readonly rule: string | null
  readonly seen: string
  readonly request: string | null
  readonly where: string | null
}

interface Report {
  readonly kind: string
  readonly exportName: string | null
  readonly errors: number
  readonly warnings: number
  readonly problems: readonly Problem[]
  readonly requests: readonly { readonly request: string; readonly status: number; readonly problems: readonly Problem[] }[]
}

function reportOf({ stdout }: Done): Report {
  // The command's own output, whose parts the tests compare.
  return JSON.parse(stdout) as Report
}

/** The problems of a report, one of a kind: severity, rule or code, and where. */
function problemsOf(report: Report): string[] {
  const all = [...report.problems, ...report.requests.flatMap(({ problems }) => problems)]
  return [...new Set(all.map(({ severity, rule, code }) => `${severity} ${rule ?? code}`))]
}

describe('tsgi check', () => {
  test('finds nothing in an application that keeps the rules, and says what it has asked', async () => {
    const done = await check({ 'wsgi.js': GOOD }, '--path', '/a?b=1', '--path', '/c')
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toMatch(/^wsgi\.js: a TSGI application, export application\n/)
    for (const request of [
      'GET /a?b=1',
      'HEAD /a?b=1',
      'GET /a?b=1&a=%2F%20%C3%A9&b=&a=2',
      'POST /c (JSON of unknown length)',
      'OPTIONS /c',
      'GET /c (if it has changed)',
      'GET /tsgi-check/no-such-path',
    ]) {
      const isThere = done.stdout.split('\n').some((line) => line.startsWith(`  ${request} `) && line.endsWith(' 200'))
      expect(isThere, request).toBe(true)
    }
    expect(done.stdout).toMatch(/\nnothing found\n$/)
  })

  test('prints what it finds with the rule and the line, once, and ends with 1', async () => {
    const done = await check({
      'wsgi.js': `export const application = (environ, startResponse) => {
        startResponse('200', [['Content-Type', 'text/plain'], ['Connection', 'close']])
        return 'hello'
      }`,
    })
    expect(done).toMatchObject({ code: 1, stderr: '' })
    expect(done.stdout).toContain('GET /                            200  !')
    expect(done.stdout).toMatch(
      /\nerror TSGI_ERR_LINT rule 1\.6: there is a header "Connection"\n {2}expected: it to be left to the server\n {2}at \S+wsgi\.js:2:\d+\n {2}in GET \/, and \d+ more\n/,
    )
    expect(done.stdout.match(/rule 1\.6/g)).toHaveLength(1)
    expect(done.stdout).toMatch(/warning TSGI_ERR_LINT rule 1\.10/)
    expect(done.stdout).toMatch(/\n1 error, 1 warning\n$/)
  })

  test('ends with 0 where there are warnings only', async () => {
    const done = await check({ 'wsgi.js': GOOD.replace('"v1"', 'v1') }, '--json')
    expect(done.code).toBe(0)
    expect(problemsOf(reportOf(done))).toEqual(['warning 1.20'])
    expect(reportOf(done)).toMatchObject({ errors: 0, warnings: 1, kind: 'tsgi', exportName: 'application' })
    expect(reportOf(done).requests.filter(({ problems }) => problems.length > 0).length).toBeGreaterThan(5)
  })

  test('tells of failures that no rule is about, in the requests where they are', async () => {
    const done = await check(
      {
        'wsgi.js': `export const application = (environ, startResponse) => {
          if (environ.REQUEST_METHOD === 'PUT') throw new Error('no PUT here')
          const status = environ.REQUEST_METHOD === 'HEAD' ? '405 Method Not Allowed' : environ.PATH_INFO === '/' ? '200 OK' : '500 Internal Server Error'
          startResponse(status, [['Content-Type', 'text/plain']])
          return 'hello'
        }`,
      },
      '--json',
    )
    expect(done.code).toBe(1)
    const { requests } = reportOf(done)
    const of = (request: string): unknown => requests.find((each) => each.request === request)
    expect(of('PUT / (300 kB)')).toMatchObject({
      status: 500,
      problems: [
        {
          severity: 'error',
          code: 'TSGI_ERR_APPLICATION',
          rule: null,
          seen: expect.stringContaining('no PUT here'),
          where: expect.stringMatching(/wsgi\.js:2:/),
        },
      ],
    })
    expect(of('HEAD /')).toMatchObject({ problems: [{ severity: 'warning', seen: 'HEAD is answered 405, and GET 200' }] })
    expect(of('GET /tsgi-check/no-such-path')).toMatchObject({ problems: [{ severity: 'warning', seen: 'it answers 500' }] })
    expect(of('OPTIONS /')).toMatchObject({ status: 200, problems: [] })
  })

  test('knows mount points, exports, variables and the configuration file', async () => {
    const files = {
      'app.js': `${GOOD.replace('application', 'main').replace('await', "if (process.env.NAME !== 'value' || environ.SCRIPT_NAME !== '/shop') throw new Error('not here'); await")}`,
    }
    const done = await check(files, 'app.js:main', '--mount-point', '/shop', '--setenv', 'NAME', 'value')
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toContain('HEAD /shop/ ')
    expect(done.stdout).toContain('GET /shop/tsgi-check/no-such-path ')
    const configuration = `export default { app: 'app.js:main', mountPoint: '/shop', setenv: { NAME: 'value' } }`
    expect(await check({ ...files, 'tsgi.config.js': configuration })).toMatchObject({ code: 0, stdout: done.stdout })
  })

  test('checks the lifespan, too', async () => {
    const lifespan = (text: string): Record<string, string> => ({ 'wsgi.js': `${GOOD}\napplication.lifespan = ${text}` })
    expect(await check(lifespan('{ startup() {}, shutdown() {} }'))).toMatchObject({ code: 0 })
    const failing = await check(lifespan("{ shutdown() { throw new Error('cannot flush') } }"), '--json')
    expect(failing.code).toBe(1)
    expect(reportOf(failing).problems).toMatchObject([{ code: 'TSGI_ERR_LIFESPAN', seen: 'shutdown(): Error: cannot flush' }])
    const never = await check(lifespan("{ startup() { throw new Error('no database') } }"))
    expect(never).toMatchObject({ code: 1, stdout: '' })
    expect(never.stderr).toMatch(/^tsgi: TSGI_ERR_LIFESPAN .*startup\(\): Error: no database\n.*wsgi\.js:\d+/)
  })

  test('takes TypeScript, with a loader where it needs one', async () => {
    const source = `import type { Application } from 'tsgi'
      enum Status { ok = '200 OK' }
      ${GOOD.replace('application', 'application: Application').replace("'200 OK'", 'Status.ok')}`
    expect(await check({ 'wsgi.ts': source })).toMatchObject({ code: 0, stderr: '' })
  })

  test('says of fetch and Node applications what it can check, and checks it', async () => {
    const fetching = await check({ 'app.js': `export default { fetch: () => new Response('hello') }` }, 'app.js')
    expect(fetching.code).toBe(0)
    expect(fetching.stdout).toMatch(/a fetch application, export default\nThe rules of TSGI 1\.0 are not for it\. Looked at: /)
    const express = await check(
      {
        'app.js': `import express from 'express'
          const app = express()
          app.get('/', (request, response) => response.send('hello'))
          app.put('/', () => { throw new Error('no PUT here') })
          app.listen(3000)`,
      },
      'app.js',
      '--json',
    )
    expect(reportOf(express)).toMatchObject({ kind: 'node', exportName: null })
    expect(problemsOf(reportOf(express))).toEqual(['warning TSGI_ERR_APPLICATION'])
    const gone = await check({ 'app.js': `export default (request, response) => response.socket.destroy()` }, 'app.js', '--json')
    expect(gone.code).toBe(1)
    expect(problemsOf(reportOf(gone))).toContain('error TSGI_ERR_APPLICATION')
  })

  test('keeps what the application prints out of what it prints', async () => {
    const done = await check({ 'wsgi.js': `console.log('loading'); ${GOOD}` }, '--json')
    expect(reportOf(done).errors).toBe(0)
    expect(done.stderr).toBe('loading\n')
  })

  test('says what has ended the application', async () => {
    const dying = (text: string): Promise<Done> =>
      check({ 'wsgi.js': GOOD.replace('await', `if (environ.REQUEST_METHOD === 'PUT') ${text}; await`) })
    expect((await dying('process.exit(7)')).stderr).toMatch(
      /TSGI_ERR_APPLICATION .*process ended in PUT \/ \(300 kB\) \(exit code 7\)/,
    )
    const uncaught = await dying("{ setImmediate(() => { throw new Error('nobody caught it') }); await new Promise(() => {}) }")
    expect(uncaught).toMatchObject({ code: 1, stdout: '' })
    expect(uncaught.stderr).toMatch(/in PUT \/ \(300 kB\): Error: nobody caught it/)
  })

  for (const [what, args, code, message] of [
    ['no such file', ['nowhere.js'], 1, /TSGI_ERR_APP_NOT_FOUND/],
    ['a module that fails', ['fails.js'], 1, /TSGI_ERR_APP_LOAD .*Error: at once\n.*fails\.js:1/],
    ['a path that is none', ['wsgi.js', '--path', 'a'], 2, /--path is "a", but takes/],
    ['a path with a fragment', ['wsgi.js', '--path', '/a#b'], 2, /--path is "\/a#b", but takes/],
    ['an unknown option', ['wsgi.js', '--bind', 'x'], 2, /unknown option '--bind'/],
  ] as [string, string[], number, RegExp][]) {
    test(`${what} is told`, async () => {
      const done = await check({ 'wsgi.js': GOOD, 'fails.js': "throw new Error('at once')" }, ...args)
      expect(done).toMatchObject({ code, stdout: '' })
      expect(done.stderr).toMatch(message)
    })
  }

  test('has help, with the options that it takes', async () => {
    const { stdout, code } = await check({}, '--help')
    expect(code).toBe(0)
    for (const flag of [
      '--path',
      '--json',
      '--mount-point',
      '--interface',
      '--setenv',
      '--env-file',
      '--config',
      '--startup-timeout',
    ]) {
      expect(stdout).toContain(flag)
    }
    expect(stdout).not.toContain('--workers')
  })
})
