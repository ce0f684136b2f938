import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { TSGI_EXPRESS } from '../launcher/commands.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const APPLICATION = fileURLToPath(new URL('../fixtures/containers', import.meta.url))

interface Lock {
  readonly name: string
  readonly version: string
  readonly lockfileVersion: number
  readonly requires: boolean
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly [key: string]: unknown }>>
}

/** This tsgi as `npm install` gets it: a package of `npm pack`. */
function packInto(directory: string): void {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory]
  const name = execFileSync('npm', args, { cwd: CHECKOUT, encoding: 'utf8' }).trim()
  renameSync(join(directory, name), join(directory, 'tsgi.tgz'))
}

/** What `npm install ./tsgi.tgz` locks: the dependencies of the checkout, with their packages for every platform. */
function lockOf(manifest: object): object {
  const lock = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')) as Lock
  const tsgi = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as Record<string, unknown>
  const needed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  const own = { version: lock.version, resolved: 'file:tsgi.tgz', dependencies: tsgi.dependencies, bin: tsgi.bin }
  return {
    name: 'shop',
    lockfileVersion: lock.lockfileVersion,
    requires: true,
    packages: { '': manifest, 'node_modules/tsgi': own, ...Object.fromEntries(needed) },
  }
}

/** A directory with an application that has tsgi among its dependencies. Whoever asks for it removes it. */
export function applicationDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsgi-stack-'))
  chmodSync(directory, 0o755)
  cpSync(APPLICATION, directory, { recursive: true })
  packInto(directory)
  const manifest = { name: 'shop', private: true, type: 'module', dependencies: { tsgi: 'file:tsgi.tgz' } }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lockOf(manifest)))
  return directory
}

/** Writes into the directory what `eject` does. */
export function eject(directory: string, target: 'compose' | 'swarm', ...options: readonly string[]): void {
  const args = [TSGI_EXPRESS, 'eject', target, 'app.mjs', '--processes', '2', ...options, '--output', '.']
  execFileSync(process.execPath, args, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
}
