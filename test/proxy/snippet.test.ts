import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { render } from '../../src/proxy/nginx/directive.ts'
import { nginxSnippet } from '../../src/proxy/nginx/snippet.ts'
import { requires } from '../support/requirements.ts'
import { nginxTest, withServerRoot } from './nginx-test.ts'
import { fullSite, makeFiles } from './sites.ts'
import { testedBuild } from './tested-nginx.ts'

requires('nginx', 'openssl').describe('the part of a site for an nginx that runs already', () => {
  it.each(['fastcgi', 'uwsgi', 'scgi', 'http'] as const)(
    'is taken with everything in it over %s, beside another one',
    async (wire) => {
      await withServerRoot('root', (directory) => {
        makeFiles(directory)
        const names = ['one', 'two']
        for (const [index, name] of names.entries()) {
          const address = { host: '127.0.0.1', port: 8000 + index }
          const plain = fullSite(directory, wire)
          const { tls } = plain
          const secure = tls === undefined ? {} : { tls: { ...tls, listen: [{ host: '127.0.0.1', port: 8443 + index }] } }
          const site = { ...plain, ...secure, listen: [address] }
          writeFileSync(
            `${directory}/${name}.conf`,
            render(nginxSnippet(site, testedBuild(), { name, ownAccessLog: true, ownErrorLog: true })),
          )
        }
        const whole = [
          `pid ${directory}/nginx.pid;`,
          'events {}',
          // Two whole sites have more variables than nginx makes room for by itself.
          `http { ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/temp/${name};`).join(' ')}`,
          'variables_hash_max_size 4096;',
          'geo $tsgi_dollar { default "$"; }',
          ...names.map((name) => `include ${directory}/${name}.conf;`),
          '}',
        ]
        const { ok, output } = nginxTest(directory, whole.join('\n'))
        expect(output).not.toMatch(/\[(?:warn|error|emerg)\](?!.*open file resource limit)/)
        expect(ok).toBe(true)
      })
    },
  )
})
