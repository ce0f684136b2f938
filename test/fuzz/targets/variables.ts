import { gatewayParams } from '../../wire/request.ts'
import { pick } from '../target.ts'
import type { Random } from '../target.ts'

/** Names and values of variables that are treated in a way of their own. */
const NAMES = [
  'REQUEST_METHOD',
  'REQUEST_URI',
  'QUERY_STRING',
  'SCRIPT_NAME',
  'PATH_INFO',
  'CONTENT_TYPE',
  'CONTENT_LENGTH',
  'SERVER_PROTOCOL',
  'SERVER_NAME',
  'SERVER_PORT',
  'SERVER_SOFTWARE',
  'REMOTE_ADDR',
  'HTTPS',
  'TSGI_REQUEST_ID',
  'HTTP_HOST',
  'HTTP_COOKIE',
  'HTTP_PROXY',
  'HTTP_UPGRADE',
  'HTTP_CONNECTION',
  'HTTP_CONTENT_LENGTH',
  'HTTP_TRANSFER_ENCODING',
  'HTTP_EXPECT',
  'HTTP_X_REQUEST_ID',
  'HTTP_X_A',
  'HTTP_',
  'SCGI',
  'UWSGI_FILE',
  '__proto__',
  'constructor',
  'tsgi.input',
  'tsgi.upgrade',
]
const VALUES = [
  '',
  '0',
  '1',
  '5',
  '-1',
  'GET',
  'POST',
  'HEAD',
  '/',
  '/a%2Fb?x=1',
  '*',
  'http://a/b',
  '//x',
  '/%00',
  '/%ff',
  '/..%2f',
  '#',
  'on',
  'a.test:1',
  'websocket',
  'upgrade',
  'nginx/1.22.1',
  'Apache/2.4',
  '\r\nX: y',
  '\xe4\xff',
  'a=b; c=d',
]

export const VARIABLE_WORDS: readonly string[] = [...NAMES, ...VALUES]

/** What a proxy might send, with a few variables changed, added and left out; the length said is mostly that of the body. */
export function someVariables(random: Random): { params: string[]; body: Uint8Array } {
  const body = new Uint8Array(random(3) === 0 ? random(2000) : 0).fill(97)
  const params = gatewayParams({
    method: pick(random, ['GET', 'POST', 'HEAD', 'PUT', 'OPTIONS']),
    target: pick(random, ['/', '/a?b', '/read', '/%2e%2e/x', '/caf%c3%a9']),
    ...(body.length > 0 || random(4) === 0 ? { body } : {}),
  })
  for (let times = random(6); times > 0; times--) {
    const pair = [pick(random, NAMES), pick(random, VALUES)]
    if (random(3) === 0) params.splice(2 * random(params.length >> 1), 2, ...pair)
    else params.push(...pair)
  }
  return { params, body }
}
