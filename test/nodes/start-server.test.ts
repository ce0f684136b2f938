import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { otherNodes, requires } from '../support/requirements.ts'

const command = fileURLToPath(new URL('../../dist/cli/tsgi-express.js', import.meta.url))

function fixture(file: string): string {
  return fileURLToPath(new URL(`../fixtures/apps/nodes/${file}`, import.meta.url))
}

/** Starts a server with this Node and resolves when it says that it is ready. */
async function startServer(node: string, app: string, serverType: string) {
  const child = spawn(node, [command, 'start-server', fixture(app), '--server-type', serverType, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]> // 'close' has these arguments
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (/^Ready /m.test(output)) resolve()
    })
    ended.then(([code]) => {
      reject(new Error(`ended with code ${code} before it was ready:\n${output}`))
    }, reject)
  })
  const field = (name: string): string => new RegExp(`^${name} +: (.*)$`, 'm').exec(output)?.[1] ?? ''
  return { child, ended, field, output: () => output }
}

/** A process is gone, or is only waiting for its parent to read its exit code. */
function isRunning(pid: number): boolean {
  const done = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return done.stdout.trim() !== '' && !done.stdout.startsWith('Z')
}

requires('nodes', 'nginx', 'ps', 'dist').describe('start-server on other Node versions', () => {
  describe.each(otherNodes.length > 0 ? otherNodes : ['none'])('%s', (node) => {
    it.each([
      ['embedded', 'wsgi.js', 'js'],
      ['embedded', 'wsgi.ts', 'ts'],
      ['nginx', 'wsgi.js', 'js'],
      ['nginx', 'wsgi.ts', 'ts'],
    ])('serves %s %s and stops cleanly', async (serverType, app, language) => {
      const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
      const server = await startServer(node, app, serverType)

      const response = await fetch(new URL('/a%20page', server.field('Server URL')))
      expect(response.status).toBe(200)
      expect(await response.text()).toBe(`${language} on ${version} at /a page\n`)

      const workers = (/pid ([\d, ]+)\)/.exec(server.field('Processes'))?.[1] ?? '').split(', ').map(Number)
      const root = server.field('Server Root')
      expect(workers.every((pid) => pid > 1 && isRunning(pid))).toBe(true)
      expect(existsSync(root)).toBe(true)

      server.child.kill('SIGTERM')
      const [code, signal] = await server.ended
      expect({ code, signal, output: code === 0 ? '' : server.output() }).toEqual({ code: 0, signal: null, output: '' })
      expect(workers.filter(isRunning)).toEqual([])
      expect(existsSync(root)).toBe(false)
    })
  })
})
