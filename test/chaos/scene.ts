import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Launched } from '../launcher/launched.ts'
import { temporaryDirectory } from '../launcher/temporary.ts'
import type { LoadResult } from './load.ts'

/** How long each act goes on, seconds: `TSGI_CHAOS_SECONDS`. The full test makes it short, `npm run chaos` long. */
export const SECONDS = Number(process.env.TSGI_CHAOS_SECONDS ?? 6)

/** Deeds in that time: one in three seconds, as 20 in a minute. */
export const DEEDS = Math.max(2, Math.round(SECONDS / 3))

/** An application that can be deployed anew while it runs. */
export class Deployment {
  readonly file = join(temporaryDirectory(), 'wsgi.mjs')

  constructor(version: string) {
    this.deploy(version)
  }

  deploy(version: string): void {
    this.write(`
      export const application = async (environ, startResponse) => {
        if (environ.PATH_INFO === '/stuck') blockTheLoop()
        const body = await environ['tsgi.input'].read()
        startResponse('200 OK', [['Content-Type', 'text/plain']])
        return [${JSON.stringify(version)} + ' ' + process.pid + ' ' + body.length]
      }
      function blockTheLoop() {
        while (true);
      }`)
  }

  write(source: string): void {
    writeFileSync(this.file, source)
  }
}

/** `tsgi-express start-server` behind nginx. */
export function launch(app: Deployment, ...args: string[]): Promise<{ launched: Launched; url: string }> {
  return launchBehind('nginx', app, ...args)
}

export async function launchBehind(
  proxy: 'nginx' | 'apache',
  app: Deployment,
  ...args: string[]
): Promise<{ launched: Launched; url: string }> {
  const launched = new Launched(['start-server', app.file, '--port', '0', '--server-type', proxy, '--log-to-terminal', ...args])
  return { launched, url: await launched.ready() }
}

/** The pids of the workers that serve now, by the log. */
export function workersOf(launched: Launched): number[] {
  const log = launched.stdout + launched.stderr
  const ready = [...log.matchAll(/worker (\d+) is ready/g)].map(([, pid]) => Number(pid))
  return ready.filter((pid) => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  })
}

/** One line a scene, for people. */
export function report(scene: string, result: LoadResult, more = ''): void {
  const { requests, failures, p50, p99, longest } = result
  const times = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${longest.toFixed(0)} ms`
  process.stdout.write(
    `chaos: ${scene}: ${requests} requests, ${failures.length} failed; ${times}${more === '' ? '' : `; ${more}`}\n`,
  )
  for (const { atMs, what } of failures.slice(0, 10)) process.stdout.write(`chaos:   at ${atMs} ms ${what}\n`)
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
