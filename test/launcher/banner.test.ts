import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'

import { banner } from '../../src/launcher/banner.ts'

const FIELDS = {
  url: 'http://127.0.0.1:8000/',
  serverType: 'nginx/1.22.1',
  wire: 'fastcgi',
  serverRoot: '/tmp/tsgi-1a2b3c',
  configuration: '/tmp/tsgi-1a2b3c/nginx.conf',
  errorLog: '/tmp/tsgi-1a2b3c/error.log',
  accessLog: '/tmp/tsgi-1a2b3c/access.log',
  applications: ['wsgi.ts'],
  services: [],
  workerPids: [12, 13],
  limitRequestBody: '10MB',
  bootMs: 431.7,
  pid: 11,
}

it('has a field a line, and ends with Ready and the address', () => {
  expect(banner(FIELDS, false)).toBe(`\
Server URL         : http://127.0.0.1:8000/
Server Type        : nginx/1.22.1
Wire               : fastcgi
Server Root        : /tmp/tsgi-1a2b3c
Server Conf        : /tmp/tsgi-1a2b3c/nginx.conf
Error Log File     : /tmp/tsgi-1a2b3c/error.log
Access Log File    : /tmp/tsgi-1a2b3c/access.log
Application        : wsgi.ts
Processes          : 2 (pid 12, 13)
Request Body Limit : 10MB
Boot Time          : 432 ms
Pid                : 11
Ready http://127.0.0.1:8000/
`)
})

it('leaves out what there is not', () => {
  const { wire: _, configuration: __, accessLog: ___, ...embedded } = FIELDS
  expect(banner({ ...embedded, serverType: 'embedded' }, false)).not.toMatch(/Wire|Conf|Access|undefined/)
})

it('has colours only where they are asked for', () => {
  expect(banner(FIELDS, false)).not.toContain('\x1b')
  expect(stripVTControlCharacters(banner(FIELDS, true))).toBe(banner(FIELDS, false))
})
