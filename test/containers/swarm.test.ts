import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getContainerRuntimeClient } from 'testcontainers'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { freePort } from '../launcher/commands.ts'
import { requires } from '../support/requirements.ts'
import { expectConfined } from './confined.ts'
import { docker } from './docker.ts'
import { applicationDirectory, eject } from './ejected.ts'
import { ask, startLoad, told } from './load.ts'
import { eventually } from './eventually.ts'

const STACK = 'tsgi-test-swarm'

requires('engine', 'dist', 'full').describe('a swarm, as ejected', () => {
  let directory = ''
  let url = ''
  let isOurs = false

  const build = async (target: string, image: string): Promise<void> => {
    await docker(['build', '--quiet', '--target', target, '--tag', image, directory])
  }

  const deploy = async (): Promise<void> => {
    const files = ['swarm.yaml', 'test.yaml'].flatMap((name) => ['--compose-file', join(directory, name)])
    // The images are of this engine and in no registry.
    await docker(['stack', 'deploy', '--resolve-image', 'never', ...files, STACK])
  }

  /** As an operator does: another tag, and the same command. */
  const update = async (version: string): Promise<void> => {
    writeFileSync(join(directory, 'version.txt'), version)
    await build('application', `${STACK}-app:${version}`)
    const file = join(directory, 'swarm.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/(image: .*-app).*/, `$1:${version}`))
    await deploy()
  }

  const updateState = async (): Promise<string> =>
    docker(['service', 'inspect', '--format', '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}', `${STACK}_app`])

  const answeredByReplicas = async (number: number): Promise<void> => {
    const load = startLoad(url)
    const hosts = new Set<string>()
    await eventually(() => {
      for (const host of load.hosts().keys()) hosts.add(host)
      return hosts.size === number
    }, `answers of ${number} replicas`)
    await load.stop()
  }

  beforeAll(async () => {
    directory = applicationDirectory()
    const port = await freePort()
    eject(directory, 'swarm', '--name', STACK, '--port', String(port))
    // The port of every node leads to the service only where the kernel has IPVS; that of this node does everywhere.
    const published = `[{ target: 8080, published: ${port}, mode: host }]`
    writeFileSync(join(directory, 'test.yaml'), `version: '3.8'\nservices:\n  proxy:\n    ports: ${published}\n`)
    await build('application', `${STACK}-app`)
    await build('nginx', `${STACK}-proxy`)
    isOurs = (await docker(['info', '--format', '{{.Swarm.LocalNodeState}}'])) === 'inactive'
    if (isOurs) await docker(['swarm', 'init', '--advertise-addr', '127.0.0.1'])
    await deploy()
    const { host } = (await getContainerRuntimeClient()).info.containerRuntime
    url = `http://${host}:${port}`
    const answers = async (): Promise<boolean> => {
      try {
        return (await ask(url)).status === 200
      } catch {
        return false
      }
    }
    await eventually(answers, 'an answer of the stack', 90_000)
    await answeredByReplicas(3)
  }, 240_000)

  afterAll(async () => {
    await docker(['stack', 'rm', STACK])
    // They go a while after the stack.
    const left = async (): Promise<string> => docker(['ps', '--quiet', '--filter', `label=com.docker.stack.namespace=${STACK}`])
    await eventually(async () => (await left()) === '', 'the end of the containers', 60_000)
    if (isOurs) await docker(['swarm', 'leave', '--force'])
    rmSync(directory, { recursive: true, force: true })
  }, 120_000)

  it('serves through nginx, with no rights but those of user 1000', async () => {
    const answer = told(await ask(`${url}/x`, { method: 'POST', body: 'a body' }))
    expect(answer).toMatchObject({ method: 'POST', path: '/x', body: 'a body' })
    expect(answer.proxy).toMatch(/^nginx\/1\./)
    const ids = await docker(['ps', '--quiet', '--filter', `label=com.docker.stack.namespace=${STACK}`])
    expect(ids.split('\n')).toHaveLength(4)
    // A swarm has no word for no-new-privileges; without a capability there is nothing to gain.
    for (const id of ids.split('\n')) await expectConfined(id, { mayGainMore: true })
  })

  it('loses no request when a version follows the last, the next before the last', async () => {
    const load = startLoad(url)
    await update('two')
    await eventually(async () => (await updateState()) === 'completed', 'the update', 150_000)
    await load.stop()
    expect(load.failures).toEqual([])
    expect(load.versions).toEqual(new Set(['one', 'two']))
    expect(told(await ask(url)).version).toBe('two')
  }, 180_000)

  it('goes back by itself where the next version does not start, and loses no request', async () => {
    const load = startLoad(url)
    await update('broken')
    await eventually(async () => (await updateState()) === 'rollback_completed', 'the way back', 150_000)
    await load.stop()
    expect(load.failures).toEqual([])
    expect(load.versions).toEqual(new Set(['two']))
  }, 180_000)
})
