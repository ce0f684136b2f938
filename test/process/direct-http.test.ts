import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { project, run } from './commands.ts'
import { startServed } from './direct-served.ts'

const APP = `exports.application = (environ, startResponse) => {
  startResponse('200 OK', [])
  return JSON.stringify([environ.REMOTE_ADDR, environ['tsgi.url_scheme'], environ.HTTP_HOST])
}
`

async function ask(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece))
  socket.write(request)
  await once(socket, 'close')
  return text
}

const GET =
  'GET /x HTTP/1.1\r\nHost: inner.test\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n'

it('tsgi serve tells its workers what clients may do, and whom to believe', async () => {
  const cwd = project({ 'app.js': APP })
  const args = ['--protocol', 'http', '--limit-request-line', '100', '--limit-request-fields', '10', '--header-timeout', '1s']
  const { port } = await startServed(cwd, ['app.js:application', '--bind', '127.0.0.1:0', '--trust-proxy', '127.0.0.1', ...args])
  expect(await ask(port, `${GET}\r\n`)).toContain('["192.0.2.1","https","inner.test"]')
  expect(await ask(port, `GET /${'x'.repeat(100)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(/^HTTP\/1\.1 414 /)
  expect(await ask(port, `${GET}${'A: b\r\n'.repeat(9)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  // Half a head, and nothing behind it.
  expect(await ask(port, 'GET /x HTTP/1.1\r\n')).toMatch(/^HTTP\/1\.1 408 /)
})

it('believes nobody without a word, and warns of a public bind on which FastCGI could be spoken', async () => {
  const cwd = project({ 'app.js': APP })
  const served = await startServed(cwd, ['app.js:application', '--bind', '0.0.0.0:0'])
  expect(await ask(served.port, `${GET}\r\n`)).toContain('["127.0.0.1","http","inner.test"]')
  expect(served.output()).toMatch(/0\.0\.0\.0:\d+: whoever reaches it may speak FastCGI.*--protocol http/)
})

it.each([
  [['--trust-proxy', '2', '--trust-proxy', '10.0.0.1'], /not both/],
  [['--trust-proxy', '0'], /--trust-proxy is "0"/],
  [['--connection-limit', '-1'], /--connection-limit/],
])('refuses %j', async (args, reason) => {
  const { code, stderr } = await run(['tsgi', 'serve', 'app.js:application', ...args, '--bind', '127.0.0.1:0'], {
    cwd: project({ 'app.js': APP }),
  })
  expect(code).toBe(2)
  expect(stderr).toMatch(reason)
})
