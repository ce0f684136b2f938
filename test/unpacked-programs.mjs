/**
 * `node test/unpacked-programs.mjs`: fetches the programs of tests whose Debian packages would start a service when they are installed, and
 * unpacks nothing but the program into .cache/programs, where the tests look for it. `npm run test:full` does that by itself.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const UNPACKED_FOLDER = fileURLToPath(new URL('../.cache/programs', import.meta.url))

/** Where they are in their packages. */
const PROGRAMS = new Map([['promtool', 'usr/bin/promtool']])

/** A mirror that hangs must not hang the tests. */
const TIMEOUT_MS = 3 * 60_000

export function isUnpacked(program) {
  return PROGRAMS.has(program)
}

/** How to get it, or undefined for one that is installed. */
export function unpackedHint(program) {
  return isUnpacked(program) ? 'on Debian: node test/unpacked-programs.mjs' : undefined
}

/** Throws where the package cannot be had. */
export function unpackProgram(program, packageName) {
  const path = PROGRAMS.get(program)
  const folder = mkdtempSync(join(tmpdir(), 'tsgi-unpack-'))
  try {
    run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', packageName], folder)
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'))
    if (archive === undefined) throw new Error(`apt-get download ${packageName} left no package`)
    run('dpkg-deb', ['--extract', archive, 'root'], folder)
    mkdirSync(UNPACKED_FOLDER, { recursive: true })
    // Beside its place first: of two at a time neither runs half of one. Perhaps from another file system.
    const made = join(UNPACKED_FOLDER, `.${program}.${process.pid}`)
    run('cp', [join('root', path), made], folder)
    chmodSync(made, 0o755)
    renameSync(made, join(UNPACKED_FOLDER, program))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(command, args, cwd) {
  const done = spawnSync(command, args, { cwd, timeout: TIMEOUT_MS, stdio: ['ignore', 'inherit', 'inherit'] })
  if (done.error !== undefined) throw done.error
  if (done.status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${done.signal ?? `code ${done.status}`}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const executables = JSON.parse(readFileSync(new URL('support/executables.json', import.meta.url), 'utf8'))
  for (const program of PROGRAMS.keys()) {
    if (!existsSync(join(UNPACKED_FOLDER, program))) unpackProgram(program, executables[program])
    console.log(join(UNPACKED_FOLDER, program))
  }
}
