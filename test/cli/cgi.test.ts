import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { directoryWith, request, runCgi, TSGI } from './cgi-command.ts'

const ENVIRON = `export const application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'application/json']])
  const plain = Object.fromEntries(Object.entries(environ).filter(([, value]) => typeof value !== 'object' && typeof value !== 'function'))
  return [JSON.stringify({ environ: plain, argv: process.argv.slice(2), env: process.env })]
}
`
const ECHO = `export const application = async (environ, startResponse) => {
  const body = await environ['tsgi.input'].read()
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return body
}
`

interface Told {
  environ: Record<string, unknown>
  argv: string[]
  env: Record<string, string>
}

function bodyOf(stdout: string): string {
  return stdout.slice(stdout.indexOf('\r\n\r\n') + 4)
}

describe('tsgi cgi', () => {
  it('answers the request of the environment with a Status field, and ends with 0', async () => {
    const { code, stdout, stderr } = await runCgi(['app.mjs'], {
      cwd: directoryWith({ 'app.mjs': ENVIRON }),
      variables: request(),
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Status: 200 OK\r\nContent-Type: application\/json\r\nContent-Length: \d+\r\n\r\n\{/)
    const { environ } = JSON.parse(bodyOf(stdout)) as Told
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      REQUEST_URI: '/cgi-bin/app.mjs/a%2Fb?x=1',
      SCRIPT_NAME: '/cgi-bin/app.mjs',
      PATH_INFO: '/a/b',
      QUERY_STRING: 'x=1',
      REMOTE_ADDR: '192.0.2.7',
      HTTP_HOST: 'tsgi.test',
      'tsgi.url_scheme': 'http',
      'tsgi.run_once': true,
      'tsgi.multiprocess': true,
    })
  })

  it.each([
    ['a Node application', `export default (req, res) => { res.setHeader('X-Url', req.url); res.end('from Node') }`],
    [
      'a fetch application',
      `export default { fetch: (req) => new Response('from Node', { headers: { 'X-Url': new URL(req.url).pathname } }) }`,
    ],
    [
      'a script that listens',
      `import { createServer } from 'node:http'; createServer((req, res) => { res.setHeader('X-Url', req.url); res.end('from Node') }).listen(3000)`,
    ],
    ['a CommonJS application', `module.exports = (req, res) => { res.setHeader('X-Url', req.url); res.end('from Node') }`],
  ])('serves %s', async (name, text) => {
    const file = name.includes('CommonJS') ? 'app.cjs' : 'app.mjs'
    const variables = request({ REQUEST_URI: '/cgi-bin/app.mjs/a/b' })
    const { code, stdout, stderr } = await runCgi([file], { cwd: directoryWith({ [file]: text }), variables })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Status: 200 OK\r\n/)
    expect(stdout).toMatch(/^x-url: (?:\/cgi-bin\/app\.mjs)?\/a\/b\r$/im)
    expect(bodyOf(stdout)).toBe('from Node')
  })

  it.each([
    ['types alone', 'const word: string = "typed"'],
    ['what Node does not strip', 'enum Word { A = "typed" }\nconst word: string = Word.A'],
  ])('loads TypeScript with %s, and reads the body once', async (_name, line) => {
    const text = `${line}\n${ECHO.replace('return body', "return [word, ' ', body]")}`
    const { code, stdout, stderr } = await runCgi(['app.mts'], {
      cwd: directoryWith({ 'app.mts': text }),
      variables: request({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: '5' }),
      body: Buffer.from('hello'),
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(bodyOf(stdout)).toBe('typed hello')
  })

  it('reads as much of the body as CONTENT_LENGTH says, though the input goes on and has no end', async () => {
    const { stdout } = await runCgi(['app.mjs'], {
      cwd: directoryWith({ 'app.mjs': ECHO }),
      variables: request({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: '5' }),
      body: Buffer.from('hello, and what is not the body'),
    })
    expect(bodyOf(stdout)).toBe('hello')
  })

  it('takes no CONTENT_LENGTH for no body, and one of chunks to the end of the input', async () => {
    const cwd = directoryWith({ 'app.mjs': ECHO })
    const post = request({ REQUEST_METHOD: 'POST' })
    for (const variables of [post, { ...post, CONTENT_LENGTH: '' }, { ...post, CONTENT_LENGTH: '0' }]) {
      const { stdout } = await runCgi(['app.mjs'], { cwd, variables, body: Buffer.from('no body') })
      expect(bodyOf(stdout)).toBe('')
    }
    const variables = { ...post, HTTP_TRANSFER_ENCODING: 'chunked' }
    const { stdout } = await runCgi(['app.mjs'], { cwd, variables, body: Buffer.from('decoded'), endInput: true })
    expect(bodyOf(stdout)).toBe('decoded')
  })

  it('fails the read of a body that ends early, and answers 400', async () => {
    const { stdout, stderr } = await runCgi(['app.mjs'], {
      cwd: directoryWith({ 'app.mjs': ECHO }),
      variables: request({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: '50' }),
      body: Buffer.from('hello'),
      endInput: true,
    })
    expect(stdout).toMatch(/^Status: 400 /)
    expect(stderr).toMatch(/TSGI_ERR_BODY_LENGTH .*5 of 50 bytes/)
  })

  it.each([
    [{ CONTENT_LENGTH: '-1' }, 400, 'TSGI_ERR_CONTENT_LENGTH'],
    [{ CONTENT_LENGTH: '1e3' }, 400, 'TSGI_ERR_CONTENT_LENGTH'],
    [{ CONTENT_LENGTH: '1001', TSGI_LIMIT_REQUEST_BODY: '1000' }, 413, 'TSGI_ERR_BODY_LIMIT'],
  ])('refuses %j with %d, without the application', async (more, status, code) => {
    const { stdout, stderr } = await runCgi(['app.mjs'], {
      cwd: directoryWith({ 'app.mjs': `export const application = () => { process.stderr.write('CALLED'); return [] }` }),
      variables: request({ REQUEST_METHOD: 'POST', ...more }),
    })
    expect(stdout).toMatch(new RegExp(`^Status: ${status} `))
    expect(stderr).toContain(code)
    expect(stderr).not.toContain('CALLED')
  })

  it('carries every byte of header fields and of large bodies, both ways', async () => {
    const cwd = directoryWith({
      'app.mjs': ECHO.replace("[['Content-Type', 'text/plain']]", "[['X-Latin', environ.HTTP_X_LATIN]]"),
    })
    const body = Buffer.alloc(3_000_000, 'ab\xff\x00', 'latin1')
    const variables = request({ REQUEST_METHOD: 'POST', CONTENT_LENGTH: String(body.length) })
    // An environment of other bytes than UTF-8's, which only a program beside Node can make.
    const child = spawn(
      '/bin/sh',
      ['-c', `HTTP_X_LATIN="$(printf 'caf\\351')" exec "$0" "$@"`, process.execPath, TSGI, 'cgi', 'app.mjs'],
      {
        cwd,
        env: { PATH: process.env.PATH, ...variables },
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stdin.end(body)
    await once(child, 'close')
    const text = Buffer.concat(chunks)
    const end = text.indexOf('\r\n\r\n')
    expect(text.toString('latin1', 0, end)).toContain('\r\nX-Latin: caf\xe9')
    expect(Buffer.compare(text.subarray(end + 4), body)).toBe(0)
  })

  it('gives the application none of the request in process.env, a Proxy header least of all', async () => {
    const variables = request({ HTTP_PROXY: 'http://evil.test/', MY_SETTING: 'x', SSL_CERT_FILE: '/some/file', SERVER_URL: 'y' })
    const { stdout } = await runCgi(['app.mjs'], { cwd: directoryWith({ 'app.mjs': ENVIRON }), variables })
    const { env, environ } = JSON.parse(bodyOf(stdout)) as Told
    expect(Object.keys(env).filter((name) => /^(?:HTTP|REQUEST|QUERY|SCRIPT|REMOTE)_/.test(name))).toEqual([])
    expect(env).toMatchObject({ MY_SETTING: 'x', SSL_CERT_FILE: '/some/file', SERVER_URL: 'y' })
    expect(environ).not.toHaveProperty('HTTP_PROXY')
    expect(environ).not.toHaveProperty('MY_SETTING')
    expect(environ).not.toHaveProperty('PATH')
  })

  it('takes nothing that stands behind the application for an option: a client may have written it', async () => {
    const cwd = directoryWith({ 'app.mjs': ENVIRON })
    const { code, stdout } = await runCgi(['app.mjs', '--interface', 'fetch', '--help', '-e'], { cwd, variables: request() })
    expect(code).toBe(0)
    expect((JSON.parse(bodyOf(stdout)) as Told).argv).toEqual([])
  })

  it('keeps what the application prints out of the response', async () => {
    const text = ENVIRON.replace('startResponse(', "console.log('printed'); process.stdout.write('written\\n'); startResponse(")
    const { stdout, stderr } = await runCgi(['app.mjs'], { cwd: directoryWith({ 'app.mjs': text }), variables: request() })
    expect(stdout).toMatch(/^Status: 200 OK\r\n/)
    expect(stdout).not.toMatch(/printed|written/)
    expect(stderr).toBe('printed\nwritten\n')
  })

  it.each([
    ['is under SCRIPT_NAME', {}, ['/cgi-bin/app.mjs', '/a/b', '/cgi-bin/app.mjs/a%2Fb?x=1']],
    ['is the root', { SCRIPT_NAME: '', REQUEST_URI: '/a%2Fb', PATH_INFO: '/a/b' }, ['', '/a/b', '/a%2Fb']],
    ['was rewritten to the root', { REQUEST_URI: '/a%2Fb?x=1' }, ['', '/a/b', '/a%2Fb?x=1']],
    ['was rewritten to a path', { REQUEST_URI: '/shop/a/b' }, ['/shop', '/a/b', '/shop/a/b']],
    ['has no REQUEST_URI', { REQUEST_URI: '' }, ['/cgi-bin/app.mjs', '/a/b', '/cgi-bin/app.mjs/a/b?x=1']],
    ['has nothing to do with REQUEST_URI', { REQUEST_URI: '/old' }, ['/cgi-bin/app.mjs', '/a/b', '/cgi-bin/app.mjs/a/b?x=1']],
    [
      'has no path behind the program',
      { REQUEST_URI: '/cgi-bin/app.mjs', PATH_INFO: '' },
      ['/cgi-bin/app.mjs', '', '/cgi-bin/app.mjs'],
    ],
    [
      'has bytes of UTF-8',
      { REQUEST_URI: '/caf%C3%A9/x', SCRIPT_NAME: '/café', PATH_INFO: '/x' },
      ['/café', '/x', '/caf%C3%A9/x'],
    ],
  ])('knows where it is where the URL %s', async (_name, more, [scriptName, pathInfo, uri]) => {
    const { stdout, stderr } = await runCgi(['app.mjs'], { cwd: directoryWith({ 'app.mjs': ENVIRON }), variables: request(more) })
    expect(stderr).toBe('')
    const { environ } = JSON.parse(Buffer.from(bodyOf(stdout), 'latin1').toString('utf8')) as Told
    expect(environ).toMatchObject({ SCRIPT_NAME: scriptName, PATH_INFO: pathInfo, REQUEST_URI: uri })
  })

  it('answers 504 where the application does not, and ends', async () => {
    const { code, stdout, stderr } = await runCgi(['--request-timeout', '200ms', 'app.mjs'], {
      cwd: directoryWith({ 'app.mjs': 'export const application = () => new Promise(() => setInterval(() => {}, 1000))' }),
      variables: request(),
    })
    expect(stdout).toMatch(/^Status: 504 /)
    expect(stderr).toContain('TSGI_ERR_REQUEST_TIMEOUT')
    expect(code).toBe(0)
  })

  it('ends though the application has timers and connections open', async () => {
    const { code } = await runCgi(['app.mjs'], {
      cwd: directoryWith({ 'app.mjs': `${ENVIRON}setInterval(() => {}, 1000)` }),
      variables: request(),
    })
    expect(code).toBe(0)
  })

  it('answers 500 for an application that throws, and says why on standard error alone', async () => {
    const text = `export const application = () => { throw new Error('secret reason') }`
    const { stdout, stderr } = await runCgi(['app.mjs'], { cwd: directoryWith({ 'app.mjs': text }), variables: request() })
    expect(stdout).toMatch(/^Status: 500 /)
    expect(stdout).not.toContain('secret')
    expect(stderr).toContain('secret reason')
  })

  it.each([
    ['is not there', 'nowhere.mjs', 'TSGI_ERR_APP_NOT_FOUND'],
    ['cannot be parsed', 'app.mjs', 'TSGI_ERR_APP_LOAD'],
  ])('answers 500 for an application that %s, ends with 1 and says why', async (_name, app, code) => {
    const run = await runCgi([app], { cwd: directoryWith({ 'app.mjs': 'export const = 1' }), variables: request() })
    expect(run.stdout).toMatch(/^Status: 500 Internal Server Error\r\n[^]*\r\n\r\nInternal Server Error\n$/)
    expect(run.stderr).toContain(code)
    expect(run.code).toBe(1)
  })

  it('refuses to run where no web server has started it, and says what to type', async () => {
    const { code, stdout, stderr } = await runCgi(['app.mjs'], { cwd: directoryWith({ 'app.mjs': ENVIRON }) })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/TSGI_ERR_CGI .*REQUEST_METHOD.*REQUEST_METHOD=GET REQUEST_URI=\/ tsgi cgi APP.*tsgi serve APP/)
  })

  it.each([
    [['--interface', 'wsgi', 'app.mjs'], /--interface is "wsgi"; it takes auto, tsgi, node or fetch/],
    [['--workers', '2', 'app.mjs'], /unknown option '--workers'/],
    [[], /missing required argument 'APP'/],
  ])('refuses %j with 2', async (args, reason) => {
    const { code, stderr } = await runCgi(args, { cwd: directoryWith({ 'app.mjs': ENVIRON }), variables: request() })
    expect(code).toBe(2)
    expect(stderr).toMatch(reason)
  })

  it('is the interpreter of a file that begins with #!/usr/bin/env -S tsgi cgi', async () => {
    const cwd = directoryWith({
      'app.mjs': `#!/usr/bin/env -S tsgi cgi --interface tsgi\n${ENVIRON}`,
      tsgi: `#!/bin/sh\nexec "${process.execPath}" "${TSGI}" "$@"\n`,
    })
    for (const name of ['app.mjs', 'tsgi']) chmodSync(join(cwd, name), 0o755)
    const child = spawn(join(cwd, 'app.mjs'), ['-d', '--interface=fetch'], {
      env: { PATH: `${cwd}:${process.env.PATH}`, ...request() },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    await once(child, 'close')
    expect(stdout).toMatch(/^Status: 200 OK\r\n/)
  })
})
