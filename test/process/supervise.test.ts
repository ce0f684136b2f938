import { EventEmitter } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TsgiError } from '../../src/interface/errors.ts'
import { Deferred } from '../../src/loading/deferred.ts'
import type { StopKind } from '../../src/process/master-event.ts'
import { supervise } from '../../src/process/supervise.ts'
import type { Companion } from '../../src/process/supervise.ts'
import { until } from '../support/until.ts'

/** What was asked for, in order, and the means to let it happen. */
class Stage {
  readonly calls: string[] = []
  readonly logged: string[] = []
  readonly companionEnded = new Deferred<string>()
  readonly companionStopped = new Deferred<void>()
  readonly workersStopped = new Deferred<void>()
  readonly master = Object.assign(new EventEmitter<{ failed: [TsgiError] }>(), {
    size: 1,
    scale: (count: number): void => void this.calls.push(`scale ${count}`),
    reload: async (): Promise<{ replaced: number }> => {
      this.calls.push('reload')
      return { replaced: 1 }
    },
    upgrade: async (): Promise<number> => 1,
    prepareStop: (how: StopKind): void => void this.calls.push(`websockets ${how}`),
    stop: (how: StopKind): Promise<void> => {
      this.calls.push(`workers ${how}`)
      return this.workersStopped.promise
    },
  })
  readonly companion: Companion = {
    name: 'proxy',
    stop: (how) => {
      this.calls.push(`proxy ${how}`)
      return this.companionStopped.promise
    },
    exited: this.companionEnded.promise,
  }

  run(companions: readonly Companion[] = [this.companion], more: { upgradable?: boolean } = {}): Promise<number> {
    const log = (message: string): void => void this.logged.push(message)
    onTestFinished(() => {
      this.companionStopped.resolve()
      this.workersStopped.resolve()
    })
    return supervise({ master: this.master, companions, log: { error: log, warn: log, info: log, debug: log }, ...more })
  }

  asked(...calls: readonly string[]): Promise<void> {
    return until(() => this.calls.length >= calls.length, calls.join(', ')).then(() => expect(this.calls).toEqual(calls))
  }
}

/** As if this process had been sent it; the test runner's own listeners are not asked. */
function signal(name: NodeJS.Signals): void {
  for (const listener of process.listeners(name).slice(-1)) listener(name)
}

describe('supervision', () => {
  it('stops the proxy before the workers, gracefully on TERM', async () => {
    const stage = new Stage()
    const ended = stage.run()
    signal('SIGTERM')
    await stage.asked('websockets graceful', 'proxy graceful')
    stage.companionEnded.resolve('exit code 0')
    stage.companionStopped.resolve()
    await stage.asked('websockets graceful', 'proxy graceful', 'workers graceful')
    stage.workersStopped.resolve()
    expect(await ended).toBe(0)
  })

  it('stops quickly on INT and on QUIT', async () => {
    for (const name of ['SIGINT', 'SIGQUIT'] as const) {
      const stage = new Stage()
      const ended = stage.run([])
      signal(name)
      await stage.asked('websockets quick', 'workers quick')
      stage.workersStopped.resolve()
      expect(await ended).toBe(0)
    }
  })

  it('ends everything at once on the second signal, whoever is waited for', async () => {
    const stage = new Stage()
    const ended = stage.run()
    signal('SIGTERM')
    await stage.asked('websockets graceful', 'proxy graceful')
    signal('SIGTERM')
    await stage.asked('websockets graceful', 'proxy graceful', 'proxy quick', 'workers quick', 'workers quick')
    stage.companionStopped.resolve()
    stage.workersStopped.resolve()
    expect(await ended).toBe(0)
  })

  it('replaces the workers on USR2, where the proxy keeps it from being replaced itself', async () => {
    const stage = new Stage()
    const ended = stage.run([], { upgradable: false })
    signal('SIGUSR2')
    await stage.asked('reload')
    signal('SIGTERM')
    stage.workersStopped.resolve()
    expect(await ended).toBe(0)
  })

  it('does nothing on WINCH, reloads on HUP, and changes the number of workers on TTIN and TTOU down to one', async () => {
    const stage = new Stage()
    const ended = stage.run([])
    for (const name of ['SIGWINCH', 'SIGHUP', 'SIGTTIN', 'SIGTTOU'] as const) signal(name)
    await until(() => stage.logged.length >= 3, 'the lines about HUP and TTOU')
    expect(stage.logged).toEqual([
      'SIGHUP: reloading',
      'SIGTTOU: there is only one worker',
      expect.stringMatching(/^reloaded: 1 worker\(s\) replaced in \d+ ms$/),
    ])
    expect(stage.calls).toEqual(['reload', 'scale 2'])
    stage.calls.length = 0
    signal('SIGTERM')
    stage.workersStopped.resolve()
    expect(await ended).toBe(0)
  })

  it('ends with a code when the proxy ends by itself, and tells how', async () => {
    const stage = new Stage()
    const ended = stage.run()
    stage.companionEnded.resolve('exit code 1: bind failed')
    stage.companionStopped.resolve()
    await stage.asked('websockets graceful', 'proxy graceful', 'workers graceful')
    stage.workersStopped.resolve()
    expect(await ended).toBe(1)
    expect(stage.logged).toContain('proxy ended by itself: exit code 1: bind failed')
  })

  it('ends with a code when the workers cannot go on', async () => {
    const stage = new Stage()
    const ended = stage.run([])
    stage.master.emit('failed', new TsgiError('TSGI_ERR_LISTEN', 'gone'))
    await stage.asked('websockets quick', 'workers quick')
    stage.workersStopped.resolve()
    expect(await ended).toBe(1)
  })

  it('stops the workers even where the proxy cannot be stopped', async () => {
    const stage = new Stage()
    const ended = stage.run()
    signal('SIGTERM')
    stage.companionStopped.reject(new Error('no such process'))
    await stage.asked('websockets graceful', 'proxy graceful', 'workers quick')
    stage.workersStopped.resolve()
    expect(await ended).toBe(1)
  })

  it('leaves no listener behind', async () => {
    const before = process.listenerCount('SIGTERM')
    const stage = new Stage()
    const ended = stage.run([])
    expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    signal('SIGTERM')
    stage.workersStopped.resolve()
    await ended
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})
