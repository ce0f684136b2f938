import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

import type { ServerRoot } from './server-root.ts'

/** The first line of every text that we write over at a start, and of no other. */
export const OUR_MARK = '# Written by tsgi-express'

/** What a proxy makes in its spool. */
const SPOOLED: ReadonlySet<string> = new Set(['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'])

/** Bytes in which our mark is: a script has its interpreter before it. */
const HEAD_BYTES = 256

export interface WrittenFiles {
  /** What a start behind a proxy writes and removes. Without one: nothing but the control socket. */
  readonly proxied: boolean
  /** `certificate.pem` is written. */
  readonly chain: boolean
  /** `tsgictl` is. */
  readonly script: boolean
}

/**
 * The first thing in a named server root that a start or a set-up would write over or remove, and that is not ours; undefined: none
 * is. Only looks.
 */
export function foreignFile(root: ServerRoot, { proxied, chain, script }: WrittenFiles): string | undefined {
  if (root.fresh) return undefined
  const texts = [
    ...(proxied ? [root.configurationPath, `${root.configurationPath}.next`] : []),
    ...(proxied && chain ? [root.certificatePath] : []),
    ...(script ? [root.controlScriptPath] : []),
  ]
  const text = texts.find((path) => isThere(path) && !isOurs(path))
  if (text !== undefined || !proxied) return text
  const socket = root.socketPaths.find((path) => isThere(path) && lstatSync(path).isSocket() === false)
  if (socket !== undefined) return socket
  if (isThere(root.spoolPath) && !isSpool(root.spoolPath)) return root.spoolPath
  if (isThere(root.runningPath) && !isRunning(root.runningPath)) return root.runningPath
  // A pid and an empty directory look like any other: ours are in a root of ours.
  const isRootOfOurs = ['nginx.conf', 'httpd.conf', 'tsgictl'].some((name) => isOurs(join(root.path, name)))
  return isRootOfOurs ? undefined : [root.pidPath, root.spoolPath].find(isThere)
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** What cannot be read is not. */
function isOurs(path: string): boolean {
  try {
    const fd = openSync(path, 'r')
    try {
      const head = Buffer.alloc(HEAD_BYTES)
      const text = head.toString('utf8', 0, readSync(fd, head, 0, HEAD_BYTES, 0))
      return text.replace(/^#!.*\n/, '').startsWith(OUR_MARK)
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}

function isSpool(path: string): boolean {
  return lstatSync(path).isDirectory() && readdirSync(path).every((name) => SPOOLED.has(name))
}

function isRunning(path: string): boolean {
  return (
    lstatSync(path).isDirectory() &&
    readdirSync(path).every((name) => /^(?:\d+|current|next|room|trial|(?:access|error|failures)\.pipe)$/.test(name))
  )
}
