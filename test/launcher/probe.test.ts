import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'

import { probe, reachable } from '../../src/launcher/probe.ts'
import type { ProbeOptions } from '../../src/launcher/probe.ts'
import { freePort } from '../proxy/running-nginx.ts'

const TOKEN = 'f00'

async function serve(listener: RequestListener): Promise<ProbeOptions> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    address: { host: '127.0.0.1', port },
    mountPoint: '',
    token: TOKEN,
    timeoutMs: 5000,
    signal: new AbortController().signal,
  }
}

const worker: RequestListener = (incoming, response) => {
  if (incoming.headers['x-tsgi-probe'] === TOKEN) response.writeHead(204, { 'X-TSGI-Probe': 'ok' })
  response.end()
}

it('is content with the answer of a worker that knows the token', async () => {
  await probe(await serve(worker))
})

it('asks below the mount point', async () => {
  let url: string | undefined
  const options = await serve((incoming, response) => {
    url = incoming.url
    worker(incoming, response)
  })
  await probe({ ...options, mountPoint: '/café' })
  expect(url).toBe('/caf%C3%A9/tsgi-probe')
})

it('tries again while nothing listens', async () => {
  const options = await serve(worker)
  const port = await freePort()
  const late = createServer(worker)
  onTestFinished(() => void late.close())
  const done = probe({ ...options, address: { host: '127.0.0.1', port } })
  setImmediate(() => late.listen(port, '127.0.0.1'))
  await done
})

it.each<[string, RequestListener, RegExp]>([
  ['a bad gateway', (_, response) => void response.writeHead(502, { Server: 'nginx' }).end(), /"502 Bad Gateway" from "nginx"/],
  ['a page', (_, response) => void response.end('hello'), /"200 OK"/],
  ["another server's empty answer", (_, response) => void response.writeHead(204).end(), /"204 No Content"/],
])('ends with what was seen: %s', async (_, listener, seen) => {
  await expect(probe(await serve(listener))).rejects.toMatchObject({
    code: 'TSGI_ERR_PROBE',
    message: expect.stringMatching(seen),
  })
})

it('ends when nobody answers in time', async () => {
  const options = await serve(() => {})
  const start = performance.now()
  await expect(probe({ ...options, timeoutMs: 200 })).rejects.toMatchObject({ code: 'TSGI_ERR_PROBE' })
  expect(performance.now() - start).toBeLessThan(2000)
})

it('ends at once when it is given up', async () => {
  const controller = new AbortController()
  const options = await serve(() => controller.abort(new Error('given up')))
  await expect(probe({ ...options, signal: controller.signal })).rejects.toThrow('given up')
})

it('asks the loopback address where every address is meant', () => {
  expect(reachable({ host: '0.0.0.0', port: 1 })).toEqual({ host: '127.0.0.1', port: 1 })
  expect(reachable({ host: '::', port: 1 })).toEqual({ host: '::1', port: 1 })
  expect(reachable({ host: '10.0.0.1', port: 1 })).toEqual({ host: '10.0.0.1', port: 1 })
})
