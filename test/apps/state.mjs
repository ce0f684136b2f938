/** Whether the applications are installed and built, by what they are made of: times of files change with every checkout. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const INSTALLED = join(folder, 'node_modules', '.installed')
const BUILT = join(folder, 'node_modules', '.built')

/** What is built, and how: the variables beside the process' own. */
export const BUILDS = [
  { app: 'next', command: 'next/dist/bin/next', env: { NEXT_TELEMETRY_DISABLED: '1' } },
  { app: 'nitro', command: 'nitro/dist/cli/index.mjs', env: { NITRO_PRESET: 'node-server' } },
  { app: 'nitro', command: 'nitro/dist/cli/index.mjs', env: { NITRO_PRESET: 'node-middleware' } },
  { app: 'nitro', command: 'nitro/dist/cli/index.mjs', env: { NITRO_PRESET: 'standard' } },
  { app: 'nitropack', command: 'nitropack/dist/cli/index.mjs', env: { NITRO_PRESET: 'node-server' } },
  { app: 'nitropack', command: 'nitropack/dist/cli/index.mjs', env: { NITRO_PRESET: 'node-listener' } },
]

/** Made by the builds, not what they are made of. */
const GENERATED = new Set(['node_modules', '.next', '.nitro', '.output', 'next-env.d.ts'])

function filesOf(path) {
  return readdirSync(join(folder, path), { withFileTypes: true })
    .filter(({ name }) => !GENERATED.has(name))
    .flatMap((entry) => (entry.isDirectory() ? filesOf(join(path, entry.name)) : entry.isFile() ? [join(path, entry.name)] : []))
}

function digest(paths) {
  const hash = createHash('sha256')
  for (const path of paths.toSorted())
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(folder, path)))
      .update('\0')
  return hash.digest('hex')
}

function installDigest() {
  return digest(['package.json', 'package-lock.json'])
}

function buildDigest() {
  const apps = [...new Set(BUILDS.map(({ app }) => app))]
  const shared = ['package-lock.json', 'content.mjs', 'state.mjs', ...filesOf('public')]
  return digest([...shared, ...apps.flatMap((app) => filesOf(app))])
}

function holds(stamp, wanted) {
  try {
    return readFileSync(stamp, 'utf8') === wanted
  } catch {
    return false
  }
}

export function isInstalled() {
  return holds(INSTALLED, installDigest())
}

export function isBuilt() {
  return isInstalled() && holds(BUILT, buildDigest())
}

export function markInstalled() {
  writeFileSync(INSTALLED, installDigest())
}

export function markBuilt() {
  writeFileSync(BUILT, buildDigest())
}
