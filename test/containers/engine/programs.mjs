/** Runs programs and says why one failed. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What stops an engine from being set up: a sentence for whoever started it. */
export class EngineFailed extends Error {}

/** Runs it to its end and returns what it wrote. Throws `EngineFailed` with its last lines. */
export function read(command, args, { env = {}, timeoutMs = 5 * 60_000, ...more } = {}) {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
    ...more,
  })
  if (done.error !== undefined) throw new EngineFailed(`${command}: ${done.error.message}`)
  if (done.status !== 0) {
    const last = `${done.stdout}${done.stderr}`.trim().split('\n').slice(-5).join('\n')
    throw new EngineFailed(`${[command, ...args].join(' ')} ended with ${done.signal ?? `code ${done.status}`}:\n${last}`)
  }
  return done.stdout
}

/** The same for what may well fail: whether it did not. */
export function tried(command, args, options = {}) {
  try {
    read(command, args, options)
    return true
  } catch (error) {
    if (!(error instanceof EngineFailed)) throw error
    return false
  }
}

export function isOnPath(program) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
