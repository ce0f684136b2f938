import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect } from 'vitest'

import { temporaryDirectory } from '../launcher/temporary.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { idOf, Scene } from './scene.ts'

const { test } = requires('dist', 'nginx', 'proc')

const NGINX = ['--server-type', 'nginx'] as const

describe('a request that fails between nginx and a worker', () => {
  test('that takes longer than the proxy waits is explained by its time', async () => {
    const rules = join(temporaryDirectory(), 'rules.conf')
    writeFileSync(rules, 'location = /slow { fastcgi_read_timeout 300ms; fastcgi_pass tsgi_workers; }')
    const scene = await Scene.start(...NGINX, '--include-file', rules)
    const answer = await scene.get('/slow')
    expect(answer.status).toBe(504)
    expect(answer.body).toBe(`Gateway Timeout. Request id: ${idOf(answer)}`)
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_PROXY_TIMEOUT GET \/slow \[\w+\] got 504: .*the request took 0\.\d s\. .*--request-timeout/,
    )
  })

  test('whose response has a head that is too large is explained by that', async () => {
    const scene = await Scene.start(...NGINX)
    const answer = await scene.get('/large')
    expect(answer.status).toBe(502)
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_RESPONSE_HEAD_TOO_LARGE GET \/large \[\w+\] got 502: .*32 KB.*cookies/,
    )
  })

  test('whose response ends half-way is explained beside the line of the worker, which has the same id', async () => {
    const scene = await Scene.start(...NGINX)
    await expect(scene.get('/half')).rejects.toThrow()
    const lines = (): string[] => scene.log.split('\n').filter((line) => line.includes('GET /half ['))
    await until(() => lines().some((line) => line.includes('TSGI_ERR_RESPONSE_CUT')), `the line in\n${scene.log}`)
    const [id] = new Set(lines().map((line) => /\[(\w{32})\]/.exec(line)?.[1]))
    expect(lines().length).toBeGreaterThan(1)
    expect(lines().every((line) => line.includes(`[${id}]`))).toBe(true)
    expect(lines().join('\n')).toMatch(/TSGI_ERR_RESPONSE_CUT GET \/half \[\w+\] was broken off: /)
  })

  test('whose response of unknown length ends half-way is explained, though nginx does not tell its id', async () => {
    const scene = await Scene.start(...NGINX)
    await expect(scene.get('/stream')).rejects.toThrow()
    await until(
      () => /TSGI_ERR_REQUEST_EXIT GET \/stream \[-\] was broken off: .*exit code 4/.test(scene.log),
      `the line in\n${scene.log}`,
    )
  })

  test('whose client leaves is no error: a line for who wants to know', async () => {
    const scene = await Scene.start(...NGINX, '--log-level', 'debug')
    const { host } = new URL(scene.url)
    const socket = connect({ host: '127.0.0.1', port: Number(host.split(':')[1]) })
    socket.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
    setTimeout(() => socket.destroy(), 200)
    await until(
      () => /debug \[\d+\] TSGI_ERR_CLIENT_DISCONNECTED GET \/wait \[\w+\]: the client left/.test(scene.log),
      'the line',
    )
  })

  test('is counted by its code', async () => {
    const scene = await Scene.start(...NGINX)
    const answer = await scene.get('/large')
    await scene.explained(idOf(answer))
    expect(await scene.metrics()).toContain('tsgi_failed_requests_total{mount="/",code="TSGI_ERR_RESPONSE_HEAD_TOO_LARGE"} 1\n')
  })
})
