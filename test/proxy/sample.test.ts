import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { readConfiguration } from './nginx-reader.ts'
import type { ReadDirective } from './nginx-reader.ts'
import { nginxTest, withServerRoot } from './nginx-test.ts'
import { nginxText, siteIn } from './sites.ts'

const sample = readFileSync(new URL('../../nginx/tsgi.conf', import.meta.url), 'utf8')

/** All directives of these names, wherever they are. */
function find(nodes: readonly ReadDirective[], names: RegExp): string[][] {
  return nodes.flatMap(({ args, block }) => [...(names.test(args[0] ?? '') ? [args] : []), ...find(block ?? [], names)])
}

it('the sample tells a worker what the generated configuration tells', () => {
  const names = /^(?:fastcgi|uwsgi)_param$/
  expect(find(readConfiguration(sample), names)).toEqual(find(readConfiguration(nginxText(siteIn('/srv'))), names))
})

requires('nginx').test('nginx takes the sample', async () => {
  await withServerRoot('root', (directory) => {
    const ports = sample.replace('listen 80;', 'listen 127.0.0.1:8000;').replace('listen [::]:80;', '')
    const spools = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (module) => `${module}_temp_path ${directory}/temp/${module};`,
    )
    const { ok, output } = nginxTest(
      directory,
      `pid ${directory}/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n${spools.join('\n')}\n${ports}}\n`,
    )
    expect(output).toContain('test is successful')
    expect(ok).toBe(true)
  })
})
