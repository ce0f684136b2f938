import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { get, Launched } from './launched.ts'

const APP = fileURLToPath(new URL('apps/busy.js', import.meta.url))

/** Asks from several clients at a time until `stop`; counts the answers of each process, and what was no answer. */
function load(url: string): { answers: Map<string, number>; failures: number[]; stop: () => Promise<void> } {
  const answers = new Map<string, number>()
  const failures: number[] = []
  let going = true
  const clients = Array.from({ length: 12 }, async () => {
    while (going) {
      const { status, body } = await get(url)
      if (status === 200) answers.set(body, (answers.get(body) ?? 0) + 1)
      else failures.push(status)
    }
  })
  return {
    answers,
    failures,
    async stop() {
      going = false
      await Promise.all(clients)
    },
  }
}

requires('nginx', 'dist').describe('a worker that joins under load, behind nginx', () => {
  it.each(['fastcgi', 'http'])('gets its share of connections that nginx keeps, over %s', async (wire) => {
    const launched = new Launched(['start-server', APP, '--port', '0', '--server-type', 'nginx', '--wire', wire])
    const url = await launched.ready()
    const { answers, failures, stop } = load(url)
    await until(() => (answers.values().next().value ?? 0) > 100, 'load')
    launched.child.kill('SIGTTIN')
    await until(() => answers.size === 2, 'an answer of the new worker')
    const before = new Map(answers)
    await until(() => [...answers].every(([pid, count]) => count > (before.get(pid) ?? 0) + 50), 'answers of both')
    await stop()
    expect(failures).toEqual([])
    const [old = 0, joined = 0] = [...answers].map(([pid, count]) => count - (before.get(pid) ?? 0))
    expect(joined / (old + joined)).toBeGreaterThan(0.2)
  })
})
