import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { until } from '../support/until.ts'
import { Launched } from './launched.ts'
import { temporaryDirectory } from './temporary.ts'

const APP = "export const application = (environ, startResponse) => { startResponse('200 OK', []); return 'hello' }\n"

function launch(service: string, name = 'service.ts'): { launched: Launched; directory: string } {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  writeFileSync(join(directory, 'wsgi.js'), APP)
  writeFileSync(join(directory, name), service)
  const launched = new Launched(
    ['start-server', '--port', '0', '--server-type', 'embedded', '--log-to-terminal', '--service-script', 'queue', name].concat([
      '--setenv',
      'COLOUR',
      'red',
      '--graceful-timeout',
      '500ms',
    ]),
    { cwd: directory },
  )
  return { launched, directory }
}

/** Numbers of its processes so far, from the log. */
function pids(launched: Launched): number[] {
  return [...launched.stderr.matchAll(/service queue \(\S+\) runs as pid (\d+)/g)].map((match) => Number(match[1]))
}

it('runs a TypeScript file beside the workers, with their environment, and logs what it writes', async () => {
  const { launched } = launch(`
    const name: string | undefined = process.env.TSGI_SERVICE
    console.log('I am ' + name + ' in ' + process.env.COLOUR)
    process.on('SIGTERM', () => { console.error('going'); process.exit() })
    setInterval(() => {}, 1000)
  `)
  await launched.ready()
  expect(launched.field('Service')).toBe('queue (service.ts)')
  await until(() => launched.stderr.includes('[queue] I am queue in red'), 'its line')
  launched.child.kill('SIGTERM')
  expect(await launched.exited).toBe(0)
  expect(launched.stderr).toContain('[queue] going')
  expect(launched.survivors()).toEqual([])
})

it('runs it again when it ends, with a pause', async () => {
  const { launched } = launch('setTimeout(() => process.exit(3), 50)', 'service.js')
  await launched.ready()
  await until(() => pids(launched).length === 2, 'the second run')
  expect(launched.stderr).toContain('service queue ended with exit code 3; it is run again in 1 s')
})

it('replaces it at a reload, and kills one that does not want to end', async () => {
  const { launched, directory } = launch("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)", 'service.js')
  await launched.ready()
  await until(() => pids(launched).length === 1, 'the first run')
  writeFileSync(
    join(directory, 'service.js'),
    "import { writeFileSync } from 'node:fs'\nwriteFileSync('seen', 'new'); setInterval(() => {}, 1000)",
  )
  launched.child.kill('SIGHUP')
  await until(() => pids(launched).length === 2, 'the second run')
  await until(() => {
    try {
      return readFileSync(join(directory, 'seen'), 'utf8') === 'new'
    } catch {
      return false
    }
  }, 'the new code')
})

it('is looked for before anything starts', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'wsgi.mjs'), APP)
  const args = ['start-server', 'wsgi.mjs', '--port', '0', '--server-type', 'embedded', '--service-script', 'queue', 'nofile.js']
  const launched = new Launched(args, { cwd: directory })
  expect(await launched.exited).toBe(2)
  expect(launched.stderr).toContain('TSGI_ERR_OPTION Invalid option: --service-script queue: there is no file "nofile.js"')
})
