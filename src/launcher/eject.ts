import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { quote, TsgiError } from '../interface/errors.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { ejectApache } from './eject-apache.ts'
import { ejectContainers } from './eject-containers.ts'
import { ejectNginx } from './eject-nginx.ts'
import { ejectSystemd } from './eject-systemd.ts'

/** What can be ejected. */
const EJECT_TARGETS = ['nginx', 'apache', 'systemd', 'compose', 'swarm', 'kubernetes'] as const

export interface EjectOptions {
  /** Names files, units and what two sites must not share. Letters, digits, `-`, `_`. */
  readonly name: string
  /** With systemd: units for `tsgi serve` behind a proxy that runs by itself, in place of one for start-server. */
  readonly behindProxy: boolean
  /** For containers: so many of the application, which the proxy reaches over TCP; left out: one, beside the proxy. */
  readonly replicas?: number
  /** For several: the cookie that leads a client to the same one again. */
  readonly affinity?: string
  /** Of Kubernetes. */
  readonly namespace?: string
  /** Node with its options, then the script of the command. */
  readonly launcher: readonly string[]
  readonly server: readonly string[]
  readonly directory: string
}

export interface EjectedFile {
  readonly name: string
  readonly text: string
  /** Of the file; what the umask leaves of 0666 where it is left out. */
  readonly mode?: number
}

/**
 * Files to keep, for a server that is run without the launcher or by something else. They are written once and then the operator's.
 * Throws `TSGI_ERR_OPTION` for a target that is not there, and rejects with what a start would say.
 */
export async function eject(target: string, read: ReadSettings<'start-server'>, options: EjectOptions): Promise<EjectedFile[]> {
  switch (target) {
    case 'nginx':
      return ejectNginx(read, options)
    case 'apache':
      return ejectApache(read, options)
    case 'systemd':
      return ejectSystemd(read, options)
    case 'compose':
    case 'swarm':
    case 'kubernetes':
      return ejectContainers(target, read, options)
    default:
      throw new TsgiError('TSGI_ERR_OPTION', `eject: there is no target ${quote(target)}; there are ${EJECT_TARGETS.join(', ')}`)
  }
}

/** The name of the site where none is given: that of the directory, in characters that nginx and systemd take. */
export function siteName(given: string | undefined, directory: string): string {
  if (given !== undefined && !/^[A-Za-z][\w-]{0,39}$/.test(given)) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--name is ${quote(given)}, but takes a letter, then up to 39 letters, digits, "-" and "_"`,
    )
  }
  const fromDirectory = basename(directory)
    .replace(/[^\w-]+/g, '-')
    .replace(/^[^A-Za-z]+|-+$/g, '')
    .slice(0, 40)
  return given ?? (fromDirectory || 'app')
}

/** All files in one text, each below a line with its name. */
export function filesText(files: readonly EjectedFile[]): string {
  return files.map(({ name, text }) => `# ==> ${name} <==\n${text}`).join('\n')
}

/** Writes them where nothing is; a file with the same text stays. Throws `TSGI_ERR_OPTION` where something else is, and writes nothing. */
export function writeFiles(files: readonly EjectedFile[], output: string): string[] {
  const placed = files.map(({ name, text, mode }) => ({ path: join(output, name), text, mode }))
  const other = placed.find(({ path, text }) => existsSync(path) && readFileSync(path, 'utf8') !== text)
  if (other !== undefined) {
    throw new TsgiError(
      'TSGI_ERR_OPTION',
      `--output: ${quote(other.path)} is there with another text, and yours to change; move it away first, or take another directory`,
    )
  }
  try {
    mkdirSync(output, { recursive: true })
    for (const { path, text, mode } of placed) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text, mode === undefined ? {} : { mode })
    }
  } catch (error) {
    throw new TsgiError('TSGI_ERR_OPTION', `--output ${quote(output)}: ${quote(error)}`, { cause: error })
  }
  return placed.map(({ path }) => path)
}
