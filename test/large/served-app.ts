import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

export interface ServedApp {
  socketPath: string
  stop(): Promise<void>
}

/** Runs `tsgi serve` of the built command line with one worker, and resolves when it accepts connections. */
export async function serveBuilt(application: string): Promise<ServedApp> {
  const directory = await mkdtemp(join(tmpdir(), 'tsgi-large-'))
  const socketPath = join(directory, 'app.sock')
  const child = spawn(
    process.execPath,
    [
      join(CHECKOUT, 'dist/cli/tsgi.js'),
      'serve',
      join(CHECKOUT, application),
      '--bind',
      `unix:${socketPath}`,
      '--workers',
      '1',
      '--limit-request-body',
      '0',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  const exited = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(String(code ?? signal))))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.race([
      accepts(socketPath, () => child.exitCode === null),
      exited.then((how) => Promise.reject(new Error(`tsgi serve ended with ${how}`))),
    ])
  } catch (error) {
    await stop()
    throw new Error(`${String(error)}\n${output}`, { cause: error })
  }
  return { socketPath, stop }
}

function accepts(socketPath: string, goOn: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const attempt = (): void => {
      if (!goOn()) return
      const socket = connect(socketPath)
      socket.once('connect', () => {
        socket.destroy()
        resolve()
      })
      socket.once('error', () => setTimeout(attempt, 20))
    }
    attempt()
  })
}
