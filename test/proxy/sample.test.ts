import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { render as renderApache } from '../../src/proxy/apache/directive.ts'
import { apacheSnippet } from '../../src/proxy/apache/snippet.ts'
import { render as renderNginx } from '../../src/proxy/nginx/directive.ts'
import { nginxSnippet } from '../../src/proxy/nginx/snippet.ts'
import type { Site } from '../../src/proxy/site.ts'
import { APACHE_BUILD } from '../support/apache-answers.ts'
import { requires } from '../support/requirements.ts'
import { nginxTest, withServerRoot } from './nginx-test.ts'
import { NGINX_BUILD, siteIn } from './sites.ts'

const HOSTS = { names: ['example.com', 'www.example.com'], localhost: false } as const

const EVERY_ADDRESS = [{ host: '0.0.0.0', port: 80 }]

/** What the samples describe. */
const SITES: Readonly<Record<string, { about: string; serve: readonly string[]; site: Site }>> = {
  tsgi: {
    about: 'One application.',
    serve: ['tsgi serve wsgi.ts --bind unix:/run/tsgi/app.sock --workers 2'],
    site: siteIn('/run/tsgi', {
      socketPath: '/run/tsgi/app.sock',
      serverName: 'example.com',
      hosts: HOSTS,
      listen: EVERY_ADDRESS,
    }),
  },
  'https-and-files': {
    about: 'HTTPS only, files that the proxy serves by itself, and a second application.',
    serve: [
      'tsgi serve wsgi.ts --bind unix:/run/tsgi/app.sock --workers 2',
      'tsgi serve shop.ts --bind unix:/run/tsgi/shop.sock --mount-point /shop',
    ],
    site: siteIn('/run/tsgi', {
      serverName: 'example.com',
      hosts: HOSTS,
      listen: EVERY_ADDRESS,
      tls: {
        listen: [{ host: '0.0.0.0', port: 443 }],
        certificateFile: '/etc/letsencrypt/live/example.com/fullchain.pem',
        keyFile: '/etc/letsencrypt/live/example.com/privkey.pem',
        http2: true,
        only: true,
        hstsPolicy: 'max-age=31536000',
        environment: false,
      },
      applications: [
        { mountPoint: '', socketPath: '/run/tsgi/app.sock', option: 'mount-point' },
        { mountPoint: '/shop', socketPath: '/run/tsgi/shop.sock', option: 'mount' },
      ],
      files: {
        documentRoot: '/srv/app/public',
        directoryIndex: 'index.html',
        directoryListing: false,
        aliases: [{ url: '/favicon.ico', path: '/srv/app/favicon.ico', kind: 'file' }],
      },
      compress: true,
    }),
  },
}

/** A sample with what stands before it. */
function samples(): Map<string, string> {
  return new Map(
    Object.entries(SITES).flatMap(([name, { about, serve, site: own }]) => {
      const head = (where: string, then: string): { comment: string }[] => [
        { comment: about },
        { comment: '' },
        { comment: 'The workers, as a service of their own; sockets that the proxy may open (mode 0660, its group):' },
        ...serve.map((command) => ({ comment: `    ${command}` })),
        { comment: `This file goes to ${where}, with your names and paths in it; then type: ${then}` },
        {
          comment: `It is what \`tsgi-express eject\` gives; a comment with the name of an option tells what that would change.`,
        },
        { comment: '' },
      ]
      // Whoever runs the proxy himself has no launcher that would read it.
      const { failures: _, ...logs } = own.logs
      const site = { ...own, logs }
      const nginx = nginxSnippet(site, NGINX_BUILD, { name: 'app', ownAccessLog: false, ownErrorLog: false })
      const { nodes, modules } = apacheSnippet(site, APACHE_BUILD, { ownAccessLog: false, ownErrorLog: false })
      const enable = modules.filter((module) => !/^(?:mpm_|unixd$|log_config$|authz_core$)/.test(module))
      return [
        [`nginx/${name}.conf`, renderNginx([...head('/etc/nginx/conf.d/', 'nginx -t && nginx -s reload'), ...nginx])],
        [
          `apache/${name}.conf`,
          renderApache([
            ...head('/etc/apache2/sites-available/', `a2enmod ${enable.join(' ')}; a2ensite ${name}; apachectl graceful`),
            ...nodes,
          ]),
        ],
      ] as const
    }),
  )
}

describe('the samples', () => {
  it.each([...samples()])('%s is what the model gives', (path, text) => {
    const file = new URL(`../../${path}`, import.meta.url)
    if (process.env.TSGI_UPDATE_SAMPLES === '1') writeFileSync(file, text)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

requires('nginx').test('nginx takes the sample', async () => {
  const sample = readFileSync(new URL('../../nginx/tsgi.conf', import.meta.url), 'utf8')
  await withServerRoot('root', (directory) => {
    const spools = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (module) => `${module}_temp_path ${directory}/temp/${module};`,
    )
    const { ok, output } = nginxTest(
      directory,
      `pid ${directory}/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n${spools.join('\n')}\n${sample.replace('0.0.0.0:80', '127.0.0.1:8000')}}\n`,
    )
    expect(output).toContain('test is successful')
    expect(ok).toBe(true)
  })
})
