import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { nginxText, siteIn } from './sites.ts'
import type { SiteChanges } from './sites.ts'
import { testedBuild, testedNginx } from './tested-nginx.ts'

export interface RunningNginx {
  readonly port: number
  readonly accessLog: () => string
  stop(): Promise<void>
}

/** The real nginx with a generated configuration, in front of `backend`, which gets every connection to the workers' socket. */
export async function startNginx(changes: SiteChanges, backend: (socket: Socket) => void): Promise<RunningNginx> {
  const root = mkdtempSync(join(tmpdir(), 'tsgi-test-'))
  mkdirSync(join(root, 'temp'))
  const port = await freePort()
  const site = siteIn(root, {
    listen: [{ host: '127.0.0.1', port }],
    // The directory is the test's own, and nginx's workers must reach the socket in it.
    ...(process.getuid?.() === 0 ? { runAs: { user: 'root', group: 'root' } } : {}),
    ...changes,
  })
  const workers = createServer(backend)
  await new Promise<void>((resolve) => workers.listen(site.applications[0].socketPath, resolve))
  const file = join(root, 'nginx.conf')
  writeFileSync(file, nginxText(site, testedBuild()))
  const errorLog = join(root, 'error.log')
  const child = spawn(testedNginx(), ['-e', errorLog, '-p', root, '-c', file], { stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await Promise.race([
    accepting(port),
    exited.then(() => {
      throw new Error(`nginx ended: ${readFileSync(errorLog, 'utf8')}`)
    }),
  ])
  return {
    port,
    accessLog: () => readFileSync(join(root, 'access.log'), 'utf8'),
    async stop() {
      child.kill('SIGTERM')
      await exited
      await new Promise((resolve) => workers.close(resolve))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}

/** Resolves when something accepts on the port: nginx says nothing of its own when it does. */
async function accepting(port: number): Promise<void> {
  for (;;) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (accepted) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
