import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { repeatUntil, until } from '../support/until.ts'
import { get, Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

function write(directory: string, answer: string): void {
  writeFileSync(
    join(directory, 'wsgi.js'),
    `export const application = (environ, startResponse) => { startResponse('200 OK', []); return ${answer} }\n`,
  )
}

async function answers(url: string, body: string): Promise<void> {
  let seen = ''
  await repeatUntil(
    async () => (seen = (await get(url)).body),
    () => seen === body,
    body,
  )
}

it('serves new code when a file changes, and the old code while it is broken', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  write(directory, "'one'")
  const launched = new Launched(
    ['start-server', '--port', '0', '--server-type', 'embedded', '--reload-on-changes', '--log-to-terminal'],
    {
      cwd: directory,
    },
  )
  const url = await launched.ready()
  expect((await get(url)).body).toBe('one')

  write(directory, "'two'")
  await answers(url, 'two')
  // The new worker serves beside the old one before it takes its place.
  await until(() => launched.stderr.includes('reloaded: 1 worker'), 'the end of the reload')

  write(directory, ')')
  await until(() => /TSGI_ERR_RELOAD[^]*wsgi\.js:1/.test(launched.stderr), 'the error and its place')
  expect((await get(url)).body).toBe('two')

  write(directory, "'three'")
  await answers(url, 'three')
})

it('looks at sources only', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  mkdirSync(join(directory, 'node_modules', 'x'), { recursive: true })
  mkdirSync(join(directory, '.git'))
  write(directory, "'one'")
  const launched = new Launched(
    ['start-server', '--port', '0', '--server-type', 'embedded', '--reload-on-changes', '--log-to-terminal'],
    { cwd: directory },
  )
  await launched.ready()
  writeFileSync(join(directory, 'node_modules', 'x', 'index.js'), '')
  writeFileSync(join(directory, '.git', 'config.js'), '')
  writeFileSync(join(directory, 'upload.png'), '')
  // What is written last is seen last.
  writeFileSync(join(directory, 'data.json'), '{}')
  await until(() => launched.stderr.includes('reloaded:'), 'a reload')
  expect(launched.stderr.match(/has changed/g)).toHaveLength(1)
  expect(launched.stderr).toContain('data.json has changed: reloading')
})
