import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accepts, freePort } from './nginx.ts'
import { findExecutable } from './requirements.ts'

export interface RunningLighttpd {
  port: number
  /** What lighttpd has written to its error log, and programs that it has started to theirs. */
  errorLog(): Promise<string>
  stop(): Promise<void>
}

/** Ports that were free a moment ago may be taken by then. */
const ATTEMPTS = 5

/** Runs a private lighttpd with these lines of configuration, which may use `directory`, until `stop`. */
export async function startLighttpd(lines: (directory: string) => readonly string[]): Promise<RunningLighttpd> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(await freePort(), lines)
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

async function startOnce(port: number, lines: (directory: string) => readonly string[]): Promise<RunningLighttpd> {
  const executable = findExecutable('lighttpd')
  if (executable === undefined) throw new Error('lighttpd is not installed')
  const directory = await mkdtemp(join(tmpdir(), 'tsgi-lighttpd-'))
  const errorLog = join(directory, 'error.log')
  const breakageLog = join(directory, 'breakage.log')
  const readLogs = async (): Promise<string> =>
    (await Promise.all([errorLog, breakageLog].map((path) => readFile(path, 'utf8').catch(() => '')))).join('')
  const configuration = [
    'server.bind = "127.0.0.1"',
    `server.port = ${port}`,
    'server.name = "tsgi.test"',
    `server.document-root = "${directory}"`,
    `server.errorlog = "${errorLog}"`,
    `server.breakagelog = "${breakageLog}"`,
    `server.upload-dirs = ( "${directory}" )`,
    ...lines(directory),
  ]
  await writeFile(join(directory, 'lighttpd.conf'), `${configuration.join('\n')}\n`)
  const child = spawn(executable, ['-D', '-f', join(directory, 'lighttpd.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text))
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`lighttpd ended with ${code ?? signal}: ${words}`))
    child.once('error', (error) => resolve(error.message))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.race([accepts(port, child), exited.then((how) => Promise.reject(new Error(how)))])
  } catch (error) {
    const log = await readLogs()
    await stop()
    throw new Error(`${String(error)}\n${log}`, { cause: error })
  }
  return { port, errorLog: readLogs, stop }
}
