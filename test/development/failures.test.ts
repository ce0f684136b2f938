import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { application, ask, Developed, project } from './developed.ts'

const built = requires('dist')

built.describe('code that does not load', () => {
  it.each([
    [
      'a syntax error',
      'export const application = () => {\n  const x = = 1\n}\n',
      /SyntaxError: Unexpected token '='\n {4}at .*app\.js:2/,
    ],
    ['an exception', '\nnull.x\n', /TypeError: Cannot read properties of null .*\n {4}at .*app\.js:2:6/],
    ['a missing module', "\n\nimport './gone.js'\n", /Cannot find module .*gone\.js.*\n {4}at .*app\.js:3:1/],
    ['no application', 'export const x = 1\n', /TSGI_ERR_APP_EXPORT: "app\.js" exports x/],
    ['an exit', 'process.exit(4)\n', /TSGI_ERR_WORKER_EXIT: .*exit code 4, before it was ready/],
    [
      'an exception a moment later',
      `${application("''")}setTimeout(() => { throw new Error('late') }, 20)\n`,
      /uncaught exception, as soon as it served\n\nError: late\n {4}at .*app\.js:6/,
    ],
  ])('is answered with the reason until it is mended: %s', async (_, text, reason) => {
    const directory = project({ 'app.js': text })
    const developed = new Developed(directory)
    await developed.until(/^Does not load; the next change tries again$/m)
    const url = await developed.url()
    const failed = await ask(url)
    expect(failed.status).toBe(500)
    expect(failed.body).toMatch(reason)
    await developed.changed(directory, { 'app.js': application("'mended'") })
    expect((await ask(url)).body).toBe('mended')
  })

  it('is tried once more when the old worker was in its way', async () => {
    const holding = (answer: string): string =>
      application(
        `'${answer}'`,
        `import { connect, createServer } from 'node:net'
const server = createServer()
await new Promise((resolve, reject) => server.on('error', reject).listen({ port: Number(process.env.OTHER), host: '127.0.0.1' }, resolve))
// Keeps the process for a moment, as a pool of a database would.
process.on('SIGTERM', () => {})`,
      )
    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const address = free.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    free.close()
    const directory = project({ 'app.js': holding('1') })
    const developed = new Developed(directory, ['app.js'], { OTHER: String(port) })
    const url = await developed.ready()
    await developed.changed(directory, { 'app.js': holding('2') })
    expect((await ask(url)).body).toBe('2')
  })

  it('ends with the command where there is no such file', async () => {
    const developed = new Developed(project({}), ['nothing.js'])
    expect(await developed.ended).toBe(1)
    expect(developed.output).toContain('TSGI_ERR_APP_NOT_FOUND')
  })
})

built.describe('a worker that ends', () => {
  const text = application(
    "environ.PATH_INFO === '/throw' ? new Promise(() => setTimeout(() => { throw new RangeError('nobody') })) : environ.PATH_INFO === '/exit' ? process.exit(3) : 'here'",
  )

  it('is followed by another, and its request is told', async () => {
    const developed = new Developed(project({ 'app.js': text }))
    const url = await developed.ready()
    // It has lived for a while: this is no code that cannot live.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const thrown = await ask(url, '/throw')
    expect(thrown.status).toBe(500)
    expect(thrown.body).toMatch(/left without an answer by an uncaught exception[^]*RangeError: nobody\n {4}at .*app\.js:4/)
    expect((await ask(url)).body).toBe('here')
    await developed.until(/^Reloaded in \d+ ms: app\.js ended by an uncaught exception$/m)
  })

  it('stays away where it has hardly lived, until the code changes', async () => {
    const directory = project({ 'app.js': text })
    const developed = new Developed(directory)
    const url = await developed.ready()
    expect((await ask(url, '/exit')).status).toBeGreaterThanOrEqual(500)
    await developed.until(/^Does not load/m)
    expect((await ask(url)).body).toContain('ended with exit code 3')
    await developed.changed(directory, { 'app.js': application("'mended'") })
    expect((await ask(url)).body).toBe('mended')
  })
})
