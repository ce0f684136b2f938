import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { isRunning } from '../process/served.ts'
import { requires } from '../support/requirements.ts'
import { application, ask, Developed, project } from './developed.ts'

const built = requires('dist')

built.describe('what tsgi dev serves', () => {
  it.each([
    ['TSGI', application("'hello ' + environ.PATH_INFO")],
    ['Node', "export default (req, res) => res.end('hello ' + req.url)"],
    [
      'Node, captured',
      "import { createServer } from 'node:http'; createServer((req, res) => res.end('hello ' + req.url)).listen(3000)",
    ],
    ['fetch', "export default { fetch: (request) => new Response('hello ' + new URL(request.url).pathname) }"],
  ])('is a %s application', async (kind, text) => {
    const developed = new Developed(project({ 'app.js': text }))
    const url = await developed.ready()
    expect((await ask(url, '/world')).body).toBe('hello /world')
    expect(developed.output).toContain(`Application : app.js (${kind})`)
    await developed.until(/^GET \/world 200 \d+ ms$/m)
  })

  it('is told who its client is, and that this is development', async () => {
    const answer = application(
      "[environ.REMOTE_ADDR, environ.SERVER_NAME, environ.SERVER_PORT, environ['tsgi.url_scheme'], process.env.NODE_ENV].join()",
    )
    const url = await new Developed(project({ 'app.js': answer })).ready()
    const { port } = new URL(url)
    const forged = { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'https', Host: `localhost:${port}` }
    expect((await ask(url, '/', { headers: forged })).body).toBe(`127.0.0.1,localhost,${port},http,development`)
  })

  it('is below a mount point and on a unix socket, too', async () => {
    const directory = project({ 'app.js': application('environ.SCRIPT_NAME + environ.PATH_INFO') })
    const socket = join(directory, 'dev.sock')
    const developed = new Developed(directory, ['app.js', '--bind', `unix:${socket}`, '--mount-point', '/shop'])
    await developed.until(/^Ready/m)
    expect(statSync(socket).mode & 0o777).toBe(0o660)
    // Whoever can open the socket needs no name.
    expect((await ask(socket, '/shop/a', { headers: { Host: 'shop.example' } })).body).toBe('/shop/a')
    expect((await ask(socket, '/a')).status).toBe(404)
    developed.child.kill('SIGINT')
    expect(await developed.ended).toBe(0)
    expect(existsSync(socket)).toBe(false)
  })

  it('leaves nothing behind when it is told to stop', async () => {
    const developed = new Developed(project({ 'app.js': application('String(process.pid)') }))
    const pid = Number((await ask(await developed.ready())).body)
    expect(readdirSync(developed.temporary)).toHaveLength(1)
    developed.child.kill('SIGTERM')
    expect(await developed.ended).toBe(0)
    expect(isRunning(pid)).toBe(false)
    expect(readdirSync(developed.temporary)).toEqual([])
  })

  it('says who holds the port, and what to type', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const address = holder.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const developed = new Developed(project({ 'app.js': application("''") }), ['app.js', '--port', String(port)])
    expect(await developed.ended).toBe(1)
    holder.close()
    expect(developed.output).toMatch(
      new RegExp(`^tsgi: TSGI_ERR_ADDRESS_IN_USE .*127\\.0\\.0\\.1:${port}\\. pid ${process.pid} .*--port ${port + 1}`),
    )
  })

  it('writes no colours and no lines for requests where it is told so', async () => {
    const developed = new Developed(project({ 'app.js': application("'x'") }), ['app.js', '--access-log', 'off'], {
      NO_COLOR: '1',
    })
    const url = await developed.ready()
    await ask(url, '/quiet')
    await ask(url, '/quiet')
    developed.child.kill('SIGTERM')
    await developed.ended
    expect(developed.output).not.toMatch(/quiet|\u001b/)
  })
})

built.describe('the hosts that tsgi dev answers for', () => {
  it('are the local ones and those that are named', async () => {
    const directory = project({ 'app.js': application("'in'") })
    const developed = new Developed(directory, ['app.js', '--trusted-host', 'my.test', '--trusted-host', '*.shop.test'])
    const url = await developed.ready()
    const { port } = new URL(url)
    const status = async (Host: string, path = '/'): Promise<number> => (await ask(url, path, { headers: { Host } })).status
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'a.localhost', 'LocalHost.', 'my.test', 'a.shop.test'])
      expect([host, await status(`${host}:${port}`)]).toEqual([host, 200])
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      'notlocalhost',
      '192.0.2.1',
      'shop.test',
      'my.test@evil.example',
    ])
      expect([host, await status(host)]).toEqual([host, 403])
    expect(await bare(Number(port), 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
    expect(
      await bare(Number(port), 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1\.1 40[03] /)
    // Of a target in absolute form the host is in the target.
    expect(await status('localhost', 'http://evil.example/')).toBe(403)
    expect((await ask(url, '/', { headers: { Host: 'evil.example:80' } })).body).toContain(
      'tsgi dev --trusted-host evil.example\n',
    )
  })

  it('are every address where other machines may connect, which is said', async () => {
    const developed = new Developed(project({ 'app.js': application("'in'") }), ['app.js', '--host', '0.0.0.0'])
    const url = await developed.ready()
    expect(developed.output).toMatch(/^Open to +: every machine that reaches this one/m)
    expect((await ask(url, '/', { headers: { Host: '192.0.2.1:8000' } })).status).toBe(200)
    expect((await ask(url, '/', { headers: { Host: 'evil.example' } })).status).toBe(403)
  })
})

/** What a server answers to these bytes until it closes. */
async function bare(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}
