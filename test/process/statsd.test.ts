import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect } from 'vitest'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Controlled } from './controlled.ts'
import { get, Served } from './served.ts'

const { describe, test } = requires('dist', 'proc')

/** A statsd that adds up what it gets. */
class Statsd {
  readonly #socket
  readonly datagrams: string[] = []
  port = 0

  constructor(type: 'udp4' | 'udp6' = 'udp4') {
    this.#socket = createSocket(type)
    this.#socket.on('message', (message) => this.datagrams.push(message.toString()))
  }

  async listen(port = 0): Promise<this> {
    this.#socket.bind(port)
    await once(this.#socket, 'listening')
    this.port = this.#socket.address().port
    return this
  }

  get lines(): string[] {
    return this.datagrams.flatMap((each) => each.split('\n'))
  }

  sum(name: string): number {
    const values = this.lines.filter((line) => line.startsWith(`${name}:`) && line.includes('|c'))
    return values.reduce((sum, line) => sum + Number(line.slice(name.length + 1).split('|')[0]), 0)
  }

  close(): void {
    this.#socket.close()
  }
}

const open: Statsd[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

async function statsd(type?: 'udp4' | 'udp6'): Promise<Statsd> {
  const made = await new Statsd(type).listen()
  open.push(made)
  return made
}

describe('--statsd-host', () => {
  test('gets what has changed every interval, and the rest at the end', async () => {
    const receiver = await statsd()
    const app = new Controlled()
    const args = ['--statsd-host', `127.0.0.1:${receiver.port}`, '--statsd-prefix', 'shop', '--statsd-interval', '200ms']
    const served = await app.serve('--workers', '2', ...args)
    for (let count = 0; count < 7; count += 1) await get(app.socket)
    await until(() => receiver.sum('shop.tsgi.requests.2xx.200') === 7, 'seven requests')
    await until(() => receiver.lines.includes('shop.tsgi.workers.ready:2|g'), 'two workers')
    expect(receiver.lines.some((line) => /^shop\.tsgi\.request_duration\.p99:[\d.]+\|ms$/.test(line))).toBe(true)
    // Through a reload the sum is that of the requests.
    served.kill('SIGHUP')
    await served.until(/reloaded: 2/)
    await get(app.socket)
    served.kill('SIGTERM')
    await served.ended
    await until(() => receiver.sum('shop.tsgi.requests.2xx.200') === 8, 'the last request')
    await until(() => receiver.sum('shop.tsgi.worker_endings.stop') === 2, 'the end of the workers')
    expect(receiver.sum('shop.tsgi.request_duration.count')).toBe(8)
    for (const each of receiver.datagrams) expect(Buffer.byteLength(each)).toBeLessThanOrEqual(1432)
  })

  test('gets labels as tags where tags are given, over IPv6 too', async () => {
    const receiver = await statsd('udp6')
    const app = new Controlled()
    const args = ['--statsd-host', `[::1]:${receiver.port}`, '--dogstatsd-tags', 'env:test,x', '--statsd-interval', '100ms']
    await app.serve(...args)
    await get(app.socket)
    const line = 'tsgi.requests:1|c|#env:test,x,mount:/,class:2xx,status:200'
    await until(() => receiver.lines.includes(line), line)
  })

  test('that cannot be reached is logged once, and holds nothing up', async () => {
    const app = new Controlled()
    const served = await app.serve('--statsd-host', 'statsd.invalid:8125', '--statsd-interval', '100ms')
    await served.until(/TSGI_ERR_STATSD .*statsd\.invalid:8125/)
    for (let count = 0; count < 20; count += 1) expect((await get(app.socket)).status).toBe(200)
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(served.output.match(/TSGI_ERR_STATSD/g)).toHaveLength(1)
  })

  test('is refused where nothing is counted, or it is no address of UDP', async () => {
    const app = new Controlled()
    const started = async (...args: string[]): Promise<string> => {
      const served = new Served({ args: [app.file, '--bind', `unix:${app.socket}`, ...args] })
      expect(await served.ended).not.toBe(0)
      return served.output
    }
    expect(await started('--no-metrics', '--statsd-host', '127.0.0.1:8125')).toMatch(/TSGI_ERR_OPTION .*--no-metrics/)
    expect(await started('--statsd-host', 'unix:///run/statsd')).toMatch(/TSGI_ERR_OPTION .*127\.0\.0\.1:8125/)
    expect(await started('--statsd-host', '127.0.0.1')).toMatch(/TSGI_ERR_OPTION .*host:port/)
    expect(await started('--statsd-host', '127.0.0.1:1', '--dogstatsd-tags', 'a b')).toMatch(/TSGI_ERR_OPTION .*tags/)
  })
})
