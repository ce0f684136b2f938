import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { docker, inspected } from './docker.ts'
import { applicationDirectory, eject } from './ejected.ts'
import { eventually } from './eventually.ts'
import { ask, startLoad, told } from './load.ts'
import type { Load } from './load.ts'
import { startStack } from './stack.ts'
import type { Stack } from './stack.ts'

/** All of these containers have answered, and only they, within one look. */
async function answeredBy(load: Load, hosts: readonly string[]): Promise<void> {
  const wanted = [...hosts].toSorted().join()
  load.hosts()
  await eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 400))
    return [...load.hosts().keys()].toSorted().join() === wanted
  }, `answers of ${wanted}`)
}

requires('engine', 'dist', 'full').describe('replicas behind nginx, as ejected', () => {
  let directory: string
  let stack: Stack

  beforeAll(async () => {
    directory = applicationDirectory()
    eject(directory, 'compose', '--replicas', '3')
    stack = await startStack(directory, 'replicas')
  }, 240_000)

  afterAll(async () => {
    await stack?.down()
    rmSync(directory, { recursive: true, force: true })
  }, 60_000)

  const hostsNow = async (): Promise<string[]> => (await stack.containers('app')).map(({ host }) => host)

  it('answers through nginx from every replica', async () => {
    const load = startLoad(stack.url)
    await answeredBy(load, await hostsNow())
    await load.stop()
    await stack.expectNoFailures(load)
    const answer = told(await ask(`${stack.url}/x`, { method: 'POST', body: 'a body' }))
    expect(answer).toMatchObject({ method: 'POST', path: '/x', body: 'a body', scheme: 'http' })
    expect(answer.proxy).toMatch(/^nginx\/1\./)
    expect(await hostsNow()).toHaveLength(3)
  })

  it('loses no request when a version follows the last', async () => {
    const before = await hostsNow()
    const load = startLoad(stack.url)
    writeFileSync(join(directory, 'version.txt'), 'two')
    await stack.rollout()
    const after = await hostsNow()
    await answeredBy(load, after)
    await load.stop()
    await stack.expectNoFailures(load)
    expect(after).toHaveLength(3)
    expect(after.filter((host) => before.includes(host))).toEqual([])
    expect(load.versions).toEqual(new Set(['one', 'two']))
  }, 120_000)

  it('loses only what a killed replica works on, of which nginx repeats what may be', async () => {
    const [victim] = await stack.containers('app')
    if (victim === undefined) throw new Error('no replica runs')
    const get = startLoad(stack.url, { clients: 4, methods: ['GET'] })
    // More than one a replica, so that the victim works on some of them.
    const slow = Array.from({ length: 9 }, () => ask(`${stack.url}/?ms=3000`))
    const posts = Array.from({ length: 9 }, () => ask(`${stack.url}/?ms=3000`, { method: 'POST' }))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await docker(['kill', '--signal', 'KILL', victim.id])
    const answers = await Promise.all(slow)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(answers.filter((answer) => told(answer).host === victim.host)).toEqual([])
    const posted = await Promise.all(posts)
    const lost = posted.filter(({ status }) => status !== 200)
    expect(lost.map(({ status }) => status)).toEqual(lost.map(() => 502))
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.length).toBeLessThan(9)
    await get.stop()
    await stack.expectNoFailures(get)
  }, 60_000)

  it('loses no request when replicas come and go: 1, 4, 2', async () => {
    await stack.compose('up', '--detach', '--no-recreate', '--wait', '--scale', 'app=1')
    const load = startLoad(stack.url)
    await answeredBy(load, await hostsNow())
    await stack.compose('up', '--detach', '--no-recreate', '--wait', '--scale', 'app=4')
    const four = await hostsNow()
    expect(four).toHaveLength(4)
    await answeredBy(load, four)
    await stack.compose('up', '--detach', '--no-recreate', '--wait', '--scale', 'app=2')
    const two = await hostsNow()
    expect(two).toHaveLength(2)
    await answeredBy(load, two)
    await load.stop()
    await stack.expectNoFailures(load)
  }, 120_000)

  it('finishes a slow request within the grace time of a stop, and ends with 0', async () => {
    const containers = await stack.containers()
    const slow = ask(`${stack.url}/?ms=2500`)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await stack.compose('stop')
    expect(told(await slow).version).toBe('two')
    for (const { id } of containers) expect(await inspected(id, '.State.ExitCode')).toBe('0')
  }, 60_000)
})
