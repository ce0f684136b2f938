import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parseSyslogAddress } from '../../src/logging/syslog-address.ts'
import { requires } from '../support/requirements.ts'
import { repeatUntil, until } from '../support/until.ts'
import { childrenOf, fixture, get, Served, temporaryDirectory } from './served.ts'

const { describe, test } = requires('dist', 'proc')

/** Facility local3 and severity info, err. */
const INFO = 19 * 8 + 6
const ERROR = 19 * 8 + 3

const OPTIONS = ['--log-syslog-facility', 'local3', '--log-syslog-prefix', 'shop', '--access-log', 'syslog']

async function serve(to: string, ...args: string[]): Promise<{ served: Served; socket: string }> {
  const socket = join(temporaryDirectory(), 'app.sock')
  const served = new Served({
    args: [fixture('talks.mjs'), '--bind', `unix:${socket}`, ...OPTIONS, '--log-syslog-to', to, ...args],
  })
  return { served: await served.ready(), socket }
}

async function udpReceiver(): Promise<{ port: number; messages: string[] }> {
  const receiver = createSocket('udp4')
  const messages: string[] = []
  receiver.on('message', (message) => messages.push(message.toString('latin1')))
  await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void receiver.close())
  return { port: receiver.address().port, messages }
}

async function streamReceiver(
  target: { path: string } | { host: string; port: number },
): Promise<{ server: Server; text: () => string; port: number }> {
  let text = ''
  const server = createServer((socket) => {
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(target, resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return { server, text: () => text, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

/** RFC 5424: PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG. */
function message(priority: number, kind: string, text: string): RegExp {
  return new RegExp(`^<${priority}>1 \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z \\S+ shop \\d+ ${kind} - .*${text}`, 'm')
}

describe('syslog', () => {
  test('gets both logs over UDP, each line with its severity', async () => {
    const { port, messages } = await udpReceiver()
    const { served, socket } = await serve(`udp://127.0.0.1:${port}`, '--error-log', 'syslog')
    await get(socket, '/x')
    await get(socket, '/fail')
    const expected = [
      message(INFO, 'access', '"GET /x HTTP/1\\.1" 200 '),
      message(INFO, 'access', '"GET /fail HTTP/1\\.1" 500 '),
      message(ERROR, 'error', 'failed as asked'),
      message(INFO, 'error', 'is ready'),
    ]
    await until(() => expected.every((each) => messages.some((one) => each.test(one))), 'the messages')
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    await until(() => messages.some((one) => /SIGTERM: stopping/.test(one)), 'the last message')
    expect(served.output).not.toMatch(/lost|is ready/)
  })

  test('gets lines over TCP and over a unix stream', async () => {
    const path = join(temporaryDirectory(), 'log')
    const first = await streamReceiver({ path })
    const { served, socket } = await serve(`unix://${path}#stream`)
    await get(socket, '/before')
    await until(() => message(INFO, 'access', '/before ').test(first.text()), 'the first line')
    const tcp = await streamReceiver({ host: '127.0.0.1', port: 0 })
    const other = await serve(`tcp://127.0.0.1:${tcp.port}`)
    await get(other.socket, '/tcp')
    await until(() => message(INFO, 'access', '/tcp ').test(tcp.text()), 'the line over TCP')
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })

  test('that is not there costs lines and a warning; it gets lines when it is back', async () => {
    const path = join(temporaryDirectory(), 'log')
    const { served, socket } = await serve(`unix://${path}#stream`)
    expect((await get(socket)).status).toBe(200)
    await served.until(/warn .*access log: 1 line\(s\) of the log were lost: .*ENOENT/)
    const receiver = await streamReceiver({ path })
    await repeatUntil(
      () => get(socket, '/again'),
      () => receiver.text().includes('/again'),
      'a line',
    )
  })

  requires('dist', 'logger', 'python3').test(
    'gets lines over a socket such as /dev/log, by way of logger, which ends with its worker',
    async () => {
      const path = join(temporaryDirectory(), 'log')
      const program =
        'import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nwhile True: print(s.recv(65536).decode("latin1"), flush=True)'
      const receiver = spawn('python3', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
      onTestFinished(() => void receiver.kill('SIGKILL'))
      let text = ''
      receiver.stdout.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      await until(() => existsSync(path), 'the socket')
      const { served, socket } = await serve(`unix://${path}#dgram`, '--error-log', 'syslog')
      const worker = Number((await get(socket, '/x')).body)
      await get(socket, '/fail')
      await until(
        () => new RegExp(`^<${INFO}>.* shop/access\\[${worker}\\]: .*"GET /x HTTP/1\\.1" 200 `, 'm').test(text),
        'the access log',
      )
      await until(() => new RegExp(`^<${ERROR}>.* shop/error\\[${worker}\\]: .*failed as asked`, 'm').test(text), 'the error log')
      expect(childrenOf(worker)).toHaveLength(2)
      const loggers = [...childrenOf(worker), ...childrenOf(served.pid)].filter((pid) => pid !== worker)
      served.kill('SIGTERM')
      expect(await served.ended).toBe(0)
      await until(() => text.includes('SIGTERM: stopping'), 'the last line')
      await until(() => loggers.every((pid) => !existsSync(`/proc/${pid}/fd/0`)), 'the end of logger')
    },
  )
})

it.each<[text: string, address: unknown]>([
  ['udp://log.example.org', { type: 'udp', host: 'log.example.org', port: 514 }],
  ['tcp://[::1]:6514', { type: 'tcp', host: '::1', port: 6514 }],
  ['unix:///dev/log', { type: 'stream', path: '/dev/log' }],
  ['unix:///dev/log#dgram', { type: 'dgram', path: '/dev/log' }],
  ['unix://dev/log', undefined],
  ['udp://host:0', undefined],
  ['udp://host:70000', undefined],
  ['http://host', undefined],
  ['', undefined],
])('the address %j', (text, address) => {
  expect(parseSyslogAddress(text)).toEqual(address)
})
