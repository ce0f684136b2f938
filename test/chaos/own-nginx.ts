import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryDirectory } from '../launcher/temporary.ts'
import { findExecutable } from '../support/requirements.ts'

/** An nginx with nginx/tsgi.conf, the sample for those who run their own, in front of a socket. Resolves to its URL. */
export async function startOwnNginx(socket: string): Promise<string> {
  const directory = temporaryDirectory()
  mkdirSync(join(directory, 'temp'))
  const port = await freePort()
  const sample = readFileSync(new URL('../../nginx/tsgi.conf', import.meta.url), 'utf8')
    .replaceAll('unix:/run/tsgi/app.sock', `unix:${socket}`)
    .replace('listen 0.0.0.0:80;', `listen 127.0.0.1:${port};`)
  const spools = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/temp/${name};`,
  )
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off;\npid ${directory}/pid;\nerror_log ${directory}/error.log;\n${user}\nevents {}\nhttp {\naccess_log off;\n${spools.join('\n')}\n${sample}}\n`,
  )
  const nginx = spawn(findExecutable('nginx') ?? 'nginx', [
    '-p',
    directory,
    '-c',
    join(directory, 'nginx.conf'),
    '-e',
    join(directory, 'error.log'),
  ])
  const ended = once(nginx, 'exit')
  onTestFinished(async () => {
    nginx.kill('SIGTERM')
    await ended
  })
  while (!(await answers(port))) if (nginx.exitCode !== null) throw new Error(readFileSync(join(directory, 'error.log'), 'utf8'))
  return `http://127.0.0.1:${port}/`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // It listens on a port.
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
