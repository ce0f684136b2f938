import { inProcessEnviron } from '../../../src/gateway/in-process.ts'
import { TsgiError } from '../../../src/interface/errors.ts'
import { latin1, latin1Text } from '../../wire/bytes.ts'
import { gatewayParams } from '../../wire/request.ts'
import { foundBytes } from '../seeds.ts'
import { Finding } from '../target.ts'
import type { Target } from '../target.ts'
import { someVariables, VARIABLE_WORDS } from './variables.ts'

/** Types of the members that are the server's, whatever variables are called. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  'tsgi.input': ['object'],
  'tsgi.errors': ['object'],
  'tsgi.version': ['object'],
  'tsgi.multithread': ['boolean'],
  'tsgi.multiprocess': ['boolean'],
  'tsgi.run_once': ['boolean'],
  'tsgi.file_wrapper': ['function'],
  'tsgi.signal': ['object'],
  'tsgi.request_id': ['string'],
  'tsgi.upgrade': ['undefined', 'function'],
}

const DROPPED =
  /^HTTP_(?:PROXY|TE|EXPECT|CONNECTION|KEEP_ALIVE|CONTENT_TYPE|CONTENT_LENGTH|TRANSFER_ENCODING|PROXY_CONNECTION|PROXY_AUTHORIZATION)$/

function textOf(params: readonly string[]): Uint8Array {
  return latin1(params.map((each) => each.replaceAll('\0', '')).join('\0'))
}

/** Variables, `name NUL value NUL …`, and what is made of them. */
export const ENVIRON: Target = {
  name: 'environ',
  share: 10,
  covers: ['gateway/environ', 'gateway/request-target', 'gateway/connection-fields', 'gateway/param-names'],
  dictionary: [...VARIABLE_WORDS, '\0'],
  seeds: [
    textOf(gatewayParams({})),
    textOf(
      gatewayParams({
        target: '/a%2F?b#c',
        headers: [
          ['Cookie', 'a=b'],
          ['X-A', '1'],
          ['X-A', '2'],
        ],
      }),
    ),
    ...foundBytes('environ'),
  ],
  generate: (random) => textOf(someVariables(random).params),
  run: (input) => {
    const params = latin1Text(input).split('\0')
    if (params.length % 2 === 1) params.push('')
    const mountPoint = input.length % 3 === 0 ? '/a' : ''
    const errors = { write: () => {}, flush: () => {} }
    let environ: Readonly<Record<string, unknown>>
    try {
      environ = inProcessEnviron({
        params,
        mountPoint,
        body: undefined,
        errors,
        multiprocess: false,
        runOnce: false,
        signal: undefined,
      })
    } catch (error) {
      if (error instanceof TsgiError && error.code === 'TSGI_ERR_REQUEST_INVALID') return
      throw error
    }
    for (const [name, types] of Object.entries(OWN)) {
      if (!types.includes(typeof environ[name])) throw new Finding(`${name} is a ${typeof environ[name]}`)
    }
    for (const name of [
      'REQUEST_METHOD',
      'PATH_INFO',
      'QUERY_STRING',
      'REQUEST_URI',
      'SERVER_NAME',
      'SERVER_PORT',
      'SERVER_PROTOCOL',
    ]) {
      if (typeof environ[name] !== 'string') throw new Finding(`${name} is a ${typeof environ[name]}`)
    }
    if (environ.SCRIPT_NAME !== mountPoint) throw new Finding('a mount point that is none')
    if (!/^(?:\/|$)/.test(String(environ.PATH_INFO))) throw new Finding('PATH_INFO without a slash')
    if (Object.getPrototypeOf(environ) !== Object.prototype) throw new Finding('a prototype that was sent')
    const dropped = Object.keys(environ).find((name) => DROPPED.test(name))
    if (dropped !== undefined) throw new Finding(`${dropped} is not dropped`)
  },
}
