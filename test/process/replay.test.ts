import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { requires } from '../support/requirements.ts'
import { startNginx } from '../support/nginx.ts'
import { until } from '../support/until.ts'
import { run } from './commands.ts'
import type { Done } from './commands.ts'
import { get, Served, write } from './served.ts'

const { describe, test } = requires('dist', 'proc')
const behindNginx = requires('dist', 'proc', 'nginx')

const APPLICATION = `
  let visits = 0
  export const application = (environ, startResponse) => {
    if (environ.PATH_INFO !== '/at-once') return answer(environ, startResponse)
    // Over before the wire has said that the request has no body.
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return 'at once'
  }
  async function answer(environ, startResponse) {
    const { REQUEST_METHOD: method, PATH_INFO: path, QUERY_STRING: query } = environ
    const say = (status, type, body, more = []) => {
      startResponse(status, [['Content-Type', type], ...more])
      return [body]
    }
    if (path === '/login') {
      const form = new URLSearchParams(Buffer.from(await environ['tsgi.input'].read()).toString())
      const ok = form.get('user') === 'ada'
      const more = [['Set-Cookie', 'id=' + form.get('password')], ['Location', '/?access_token=' + visits++]]
      return say(ok ? '303 See Other' : '403 Forbidden', 'text/plain', 'hello\\n', more)
    }
    if (path === '/json') return say('200 OK', 'application/json', JSON.stringify({ name: 'NAME', price: 10, token: String(Math.random()) }))
    if (path === '/png') return say('200 OK', 'image/png', Uint8Array.of(0xff, 0xd8, 0, 1))
    if (path === '/big') return say('200 OK', 'text/plain', 'x'.repeat(200_000))
    if (path === '/me') return environ.HTTP_COOKIE?.startsWith('id=7') ? say('200 OK', 'text/plain', 'ada') : say('401 Unauthorized', 'text/plain', 'who?')
    if (path === '/u') await environ['tsgi.input'].read()
    if (path === '/boom') BOOM
    return say('200 OK', 'text/plain; charset=utf-8', 'line one\\nline two of ' + query.replace(/token=[^&]*/, '') + '\\nGREETING\\n')
  }`

function code(name = 'pear', greeting = 'grüße', boom = `return say('200 OK', 'text/plain', 'quiet')`): string {
  return APPLICATION.replace('NAME', name).replace('GREETING', greeting).replace('BOOM', boom)
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

function send(where: number | string, path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<number> {
  const target = typeof where === 'string' ? { socketPath: where } : { host: '127.0.0.1', port: where }
  return new Promise((resolve, reject) => {
    request({ ...target, path, method, headers: { Host: 'shop.test', ...headers }, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end(body)
  })
}

interface Line {
  readonly params: Readonly<Record<string, string>>
  readonly left: readonly string[]
  readonly body: Readonly<Record<string, unknown>>
  readonly response: {
    readonly status: string
    readonly headers: readonly (readonly [string, string])[]
    readonly body: Readonly<Record<string, unknown>>
    readonly sha256: string
  }
}

function linesOf(record: string): Line[] {
  const text = readFileSync(record, 'utf8')
  // Each is JSON by itself.
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

/** Until the workers have written so many: a client has its answer before the application is done with it. */
async function recorded(record: string, count: number): Promise<Line[]> {
  await until(() => {
    try {
      return linesOf(record).length >= count
    } catch {
      return false
    }
  }, `${count} lines in the record`)
  return linesOf(record)
}

function replay(cwd: string, ...args: string[]): Promise<Done> {
  return run(['tsgi', 'replay', ...args], { cwd })
}

async function recording(
  source: string,
  ...args: string[]
): Promise<{ record: string; app: string; socket: string; cwd: string; served: Served }> {
  const { app, socket } = write({ 'wsgi.mjs': source })
  const cwd = join(app, '..')
  const record = join(cwd, 'requests.jsonl')
  const served = await new Served({ args: [app, '--bind', `unix:${socket}`, '--record', record, ...args] }).ready()
  return { record, app, socket, cwd, served }
}

for (const wire of ['uwsgi', 'fastcgi'] as const) {
  behindNginx.test(`requests behind nginx over ${wire} are recorded without secrets, and tell what has changed`, async () => {
    const { record, app, socket, cwd } = await recording(code(), '--workers', '2', '--record-redact', 'X-Customer')
    const nginx = await startNginx({ wire, socketPath: socket })
    onTestFinished(() => nginx.stop())
    const { port } = nginx
    const SECRETS = [
      's3cr3t-bearer',
      's3cr3t-cookie',
      's3cr3t-query',
      's3cr3t-form',
      's3cr3t-json',
      's3cr3t-customer',
      's3cr3t-referer',
    ]
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    await send(port, '/?q=1&token=s3cr3t-query', {
      headers: {
        Authorization: 'Bearer s3cr3t-bearer',
        'X-Customer': 's3cr3t-customer',
        Referer: 'http://x/?sid=s3cr3t-referer',
      },
    })
    await send(port, '/me', { headers: { Cookie: 'id=7; other=s3cr3t-cookie' } })
    expect(await send(port, '/login', { method: 'POST', headers: form, body: 'user=ada&password=s3cr3t-form' })).toBe(303)
    await send(port, '/json')
    await send(port, '/png')
    await send(port, '/big')
    await send(port, '/boom')
    await send(port, '/j', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: '{"a":1,"secret":"s3cr3t-json"}',
    })
    await send(port, '/u', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: Buffer.alloc(70_000, 0xff),
    })
    await send(port, '/at-once')
    const lines = await recorded(record, 10)
    expect(statSync(record).mode & 0o777).toBe(0o600)
    const text = readFileSync(record, 'utf8')
    for (const secret of SECRETS) expect(text).not.toContain(secret)
    const of = (path: string): Line => {
      const found = lines.find(({ params }) => params['REQUEST_URI']?.startsWith(path))
      if (found === undefined) throw new Error(`no ${path}`)
      return found
    }
    expect(of('/?q').params).toMatchObject({
      REQUEST_URI: '/?q=1&token=REDACTED',
      QUERY_STRING: 'q=1&token=REDACTED',
      HTTP_HOST: 'shop.test',
    })
    expect(of('/?q').left.toSorted()).toEqual(['HTTP_AUTHORIZATION', 'HTTP_X_CUSTOMER'])
    expect(of('/login').body).toEqual({ bytes: 29, text: 'user=ada&password=REDACTED', redacted: true })
    expect(of('/login').response.headers).toContainEqual(['Set-Cookie', 'REDACTED'])
    expect(of('/login').response.headers).toContainEqual(['Location', '/?access_token=REDACTED'])
    expect(of('/json').response.body).toMatchObject({ text: '{"name":"pear","price":10,"token":"REDACTED"}' })
    expect(of('/png').response.body).toEqual({ bytes: 4, base64: '/9gAAQ==' })
    expect(of('/big').response.body).toEqual({ bytes: 200_000, left: 'size' })
    expect(of('/at-once').body).toEqual({ bytes: 0 })
    expect(of('/u').body).toEqual({ bytes: 70_000, left: 'size' })

    // The same code: nothing differs, not even where a random token is in the answer. What was redacted has to be given again.
    const same = await replay(cwd, record, app, '--filter', '^(?!GET /me)')
    expect(same).toMatchObject({ code: 0, stderr: '' })
    expect(same.stdout.trimEnd().split('\n')).toEqual([
      'skipped  1: POST may change something (--all)',
      'skipped  1: PUT may change something (--all)',
      'skipped  1: the body of the request is not in the record (size)',
      '9 recorded: 6 the same, 0 different, 3 skipped',
    ])
    expect((await replay(cwd, record, app, '--filter', '/me')).stdout).toMatch(
      /^differs {2}GET \/me .*\n +status: 200 OK → 401 Unauthorized\n/,
    )
    const cookie = await replay(cwd, record, app, '--filter', '/me', '--header', 'Cookie: id=7')
    expect(cookie).toEqual({ code: 0, stderr: '', stdout: '1 recorded: 1 the same, 0 different, 0 skipped\n' })

    writeFileSync(app, code('apple', 'GRÜSSE', "throw new TypeError('no such pear')"))
    const changed = await replay(cwd, record, app, '--filter', '^GET (?!/me)')
    expect(changed.code).toBe(1)
    const report = changed.stdout
    expect(report).toMatch(/differs {2}GET \/\?q=1&token=REDACTED {3}\(line \d, 2/)
    expect(report).toMatch(/body: \d+ bytes, sha256 [\da-f]{12}… → \d+ bytes/)
    expect(report).toMatch(/\n +-grüße\n +\+GRÜSSE\n/)
    expect(report).toMatch(/\n +- {2}"name": "pear",\n +\+ {2}"name": "apple",\n/)
    expect(report).toMatch(/GET \/boom .*\n +status: 200 OK → 500 Internal Server Error\n/)
    expect(report).toMatch(/TypeError: no such pear\n +at answer .*wsgi\.mjs:\d+/)
    expect(report).toMatch(/\n6 recorded: 3 the same, 3 different, 0 skipped\n$/)
    for (const secret of SECRETS) expect(report).not.toContain(secret)

    const all = await replay(cwd, record, app, '--all', '--json', '--filter', '^(POST|PUT) ')
    const json = JSON.parse(all.stdout) as Record<string, unknown>
    expect(json).toMatchObject({ same: 1, different: 1, skipped: 1 })
    expect(json['requests']).toContainEqual(expect.objectContaining({ request: 'POST /login', result: 'same' }))
    const differences = [expect.objectContaining({ what: 'body', diff: expect.stringContaining('+GRÜSSE') })]
    expect(json['requests']).toContainEqual(expect.objectContaining({ request: 'PUT /j', result: 'different', differences }))
    expect(json['requests']).toContainEqual(
      expect.objectContaining({
        request: 'PUT /u',
        result: 'skipped',
        reason: 'the body of the request is not in the record (size)',
      }),
    )
  })
}

describe('a record', () => {
  test('of a Node application over HTTP is the same as of any other', async () => {
    const node = `
      import { createServer } from 'node:http'
      export default createServer((request, response) => {
        let size = 0
        request.on('data', (chunk) => (size += chunk.length)).on('end', () => {
          response.setHeader('Content-Type', 'text/plain')
          response.setHeader('X-Version', 'VERSION')
          response.end(request.method + ' ' + request.url + ' ' + size)
        })
      })`
    const { record, app, socket, cwd } = await recording(node.replace('VERSION', '1'))
    await send(socket, '/a?b=c')
    await send(socket, '/post', { method: 'POST', body: 'four' })
    const [first, second] = await recorded(record, 2)
    expect(first?.response.body).toEqual({ bytes: 12, text: 'GET /a?b=c 0' })
    expect(second?.body).toEqual({ bytes: 4, text: 'four' })
    expect(await replay(cwd, record, app, '--all')).toMatchObject({
      code: 0,
      stdout: '2 recorded: 2 the same, 0 different, 0 skipped\n',
    })
    writeFileSync(app, node.replace('VERSION', '2'))
    expect((await replay(cwd, record, app, '--all')).code).toBe(0)
    const compared = await replay(cwd, record, app, '--compare', 'X-Version')
    expect(compared.stdout).toContain('x-version: 1 → 2\n')
    expect((await replay(cwd, record, app, '--compare', 'X-Version', '--ignore', 'x-version')).code).toBe(0)
  })

  test('has the part of the requests that was asked for, ends at its size, and goes on in a new file', async () => {
    const { record, socket, served } = await recording(code(), '--record-max-size', '3k', '--record-max-body', '10')
    for (let count = 0; count < 20; count += 1) await get(socket, '/')
    await served.until(/--record: .* is full/)
    expect(statSync(record).size).toBeLessThanOrEqual(3 * 1024)
    expect(linesOf(record)[0]?.response.body).toMatchObject({ left: 'size' })
    expect(served.output.match(/is full/g)).toHaveLength(1)
    renameSync(record, `${record}.1`)
    served.kill('SIGUSR1')
    await until(async () => {
      await get(socket, '/')
      try {
        return statSync(record).size > 0
      } catch {
        return false
      }
    }, 'a new file')
    const none = await recording(code(), '--record-sample', '0')
    for (let count = 0; count < 5; count += 1) await get(none.socket, '/')
    none.served.kill('SIGTERM')
    await none.served.ended
    expect(readFileSync(none.record, 'utf8')).toBe('')
    const some = await recording(code(), '--record-sample', '0.5')
    for (let count = 0; count < 200; count += 1) await get(some.socket, '/')
    some.served.kill('SIGTERM')
    await some.served.ended
    const { length } = linesOf(some.record)
    expect(length).toBeGreaterThan(50)
    expect(length).toBeLessThan(150)
  })

  test('that others could read, or that is none, is refused with what to do', async () => {
    const { app, socket } = write({ 'wsgi.mjs': code() })
    const cwd = join(app, '..')
    const open = join(cwd, 'open.jsonl')
    writeFileSync(open, '')
    chmodSync(open, 0o644)
    const served = new Served({ args: [app, '--bind', `unix:${socket}`, '--record', open] })
    expect(await served.ended).not.toBe(0)
    expect(served.output).toMatch(/TSGI_ERR_LOG .*open\.jsonl.*chmod 600/)
    writeFileSync(open, '{"a":1}\n')
    expect(await replay(cwd, open, app)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/TSGI_ERR_RECORD .*open\.jsonl:1: no record of tsgi/),
    })
    expect(await replay(cwd, join(cwd, 'none'), app)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/TSGI_ERR_RECORD .*ENOENT/),
    })
    expect(await replay(cwd, open, app, '--filter', '(')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/TSGI_ERR_OPTION .*--filter/),
    })
    expect(await replay(cwd, open, app, '--header', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/TSGI_ERR_OPTION .*--header/),
    })
    writeFileSync(app, 'throw new Error("does not load")')
    expect(await replay(cwd, open, app)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/TSGI_ERR_APP_LOAD .*does not load/),
    })
  })

  test('is replayed to the end, or as far as the application lives', async () => {
    const { record, app, socket, cwd } = await recording(code())
    for (const path of ['/', '/boom', '/json']) await send(socket, path)
    await recorded(record, 3)
    writeFileSync(app, code('pear', 'grüße', 'await new Promise(() => {})'))
    const slow = await replay(cwd, record, app, '--request-timeout', '300ms')
    expect(slow.stdout).toMatch(/GET \/boom .*\n +status: 200 OK → 504 Gateway Timeout\n/)
    expect(slow.stdout).toMatch(/3 recorded: 2 the same, 1 different, 0 skipped\n$/)
    writeFileSync(app, code('pear', 'grüße', 'process.exit(7)'))
    expect(await replay(cwd, record, app)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/TSGI_ERR_APPLICATION .*wsgi\.mjs: .*exit code 7.*GET \/boom/),
    })
  })
})
