import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { ask, Developed, project } from './developed.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

const APPLICATION = `import express from 'express'
const app = express()
app.use(express.json())
app.get('/', (request, response) => response.send('hello ' + request.ip))
app.get('/fails', async () => {
  throw new RangeError('in a handler')
})
app.get('/own', () => { throw Object.assign(new Error('of its own'), { own: true }) })
app.post('/', (request, response) => response.json(request.body))
app.use((error, request, response, next) => (error.own ? response.status(418).send('its own page') : next(error)))
`

requires('dist').describe('Express', () => {
  it.each([
    ['exported', 'export default app\n'],
    ['listening', 'app.listen(3000)\n'],
  ])('hands on the errors that it has no handler for, and answers what it has no route for: %s', async (_, end) => {
    const directory = project({ 'app.js': APPLICATION + end })
    mkdirSync(join(directory, 'node_modules'))
    symlinkSync(join(CHECKOUT, 'node_modules/express'), join(directory, 'node_modules/express'))
    const url = await new Developed(directory).ready()
    expect((await ask(url)).body).toBe('hello 127.0.0.1')
    const failed = await ask(url, '/fails')
    expect(failed.status).toBe(500)
    expect(failed.body).toMatch(/^500 GET \/fails failed\n\nRangeError: in a handler\n {4}at .*app\.js:6:9/)
    expect(await ask(url, '/own')).toMatchObject({ status: 418, body: 'its own page' })
    const none = await ask(url, '/none?<b>')
    expect(none).toMatchObject({
      status: 404,
      headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': "default-src 'none'" },
    })
    expect(none.body).toContain('<pre>Cannot GET /none</pre>')
    const invalid = await ask(url, '/', {
      method: 'POST',
      body: '{x',
      headers: { 'Content-Type': 'application/json', Accept: 'text/html' },
    })
    expect(invalid.status).toBe(400)
    expect(invalid.body).toContain('<span class="name">SyntaxError</span>')
  })
})
