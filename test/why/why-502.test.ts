import { describe, expect } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { memoryGroup } from './memory-group.ts'
import { idOf, Scene } from './scene.ts'

const { test } = requires('dist', 'nginx', 'proc')

const NGINX = ['--server-type', 'nginx'] as const

describe('a request that fails between nginx and a worker', () => {
  test('whose application ends the process is explained by its exit code, once, on a page that has its id', async () => {
    const scene = await Scene.start(...NGINX, '--processes', '2')
    const answer = await scene.get('/exit')
    expect(answer.status).toBe(502)
    expect(answer.body).toBe(`Bad Gateway. Request id: ${idOf(answer)}`)
    const line = await scene.explained(idOf(answer))
    expect(line).toMatch(/TSGI_ERR_REQUEST_EXIT GET \/exit \[\w+\] got 502: .*worker \d+ ended with exit code 3\. Throw an error/)
    expect(line.split('\n')).toHaveLength(1)
  })

  test('that is in flight when nobody catches an exception is explained by the worker, and has its id', async () => {
    const scene = await Scene.start(...NGINX)
    const answer = await scene.get('/throw')
    expect(answer.status).toBe(500)
    const line = await scene.explained(idOf(answer))
    expect(line).toMatch(/TSGI_ERR_APPLICATION GET \/throw \[\w+\]/)
    expect(scene.log).toMatch(/uncaught exception.*nobody catches this/)
  })

  test('whose worker is killed is explained by the signal', async () => {
    const scene = await Scene.start(...NGINX)
    const { pid, answer } = await scene.held()
    process.kill(pid, 'SIGKILL')
    // nginx tries once more, with a worker that holds it again.
    const again = await scene.held()
    process.kill(again.pid, 'SIGKILL')
    const line = await scene.explained(idOf(await answer))
    expect(line).toMatch(
      new RegExp(`TSGI_ERR_REQUEST_KILLED GET /wait .* got 502: .*worker (?:${pid}|${again.pid}) ended by SIGKILL`),
    )
    expect(line).toMatch(/it had \d+ MB shortly before/)
  })

  test('that blocks its worker is explained by the heartbeat that ended that, with the place', async () => {
    const scene = await Scene.start(...NGINX, '--heartbeat-timeout', '500ms')
    const answer = await scene.get('/spin')
    expect(answer.status).toBe(502)
    expect(await scene.explained(idOf(answer))).toMatch(
      /TSGI_ERR_REQUEST_STUCK GET \/spin \[\w+\] got 502: .*worker \d+ was stuck for [\d.]+ s in .*wsgi\.mjs:\d+:\d+\)/,
    )
  })

  // Where this machine lets nobody limit memory, memory-kills.test.ts has to do.
  const group = memoryGroup()
  if (group !== undefined) {
    test('whose worker the system kills for lack of memory is explained by that', async () => {
      const scene = await Scene.startWith({ node: group.enter(500) }, ...NGINX)
      const answer = await scene.get('/hoard')
      expect(answer.status).toBe(502)
      expect(await scene.explained(idOf(answer))).toMatch(
        /TSGI_ERR_REQUEST_OOM GET \/hoard \[\w+\] got 502: .*the system killed worker \d+ for lack of memory; it had \d+ MB/,
      )
    })
  }

  test('is explained in every mount, also when logs were opened anew and the configuration was read again', async () => {
    const scene = await Scene.start(...NGINX, '--mount', '/other', 'wsgi.mjs', '--processes', '2')
    scene.launched.child.kill('SIGUSR1')
    scene.launched.child.kill('SIGHUP')
    await until(() => /reloaded|reload done|workers were replaced|replaced/.test(scene.log), `the reload in\n${scene.log}`)
    const answer = await scene.get('/other/exit')
    expect(await scene.explained(idOf(answer))).toMatch(/TSGI_ERR_REQUEST_EXIT GET \/other\/exit .*exit code 3/)
    expect(await scene.metrics()).toContain('tsgi_failed_requests_total{mount="/other",code="TSGI_ERR_REQUEST_EXIT"} 1\n')
  })
})
