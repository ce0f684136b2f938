/** Other Node versions, from the npm package `node`, in .cache/nodes. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folderOfAll = fileURLToPath(new URL('../../.cache/nodes', import.meta.url))

function versionOf(binary) {
  return spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? ''
}

/** `npm run` hands its own project's place to the commands below it; an install somewhere else must not see that. */
export function withoutNpmSettings() {
  return Object.fromEntries(['npm_config_local_prefix', 'npm_config_prefix', 'INIT_CWD'].map((name) => [name, undefined]))
}

/** A Node of this major version: `{ binary, version }`, its absolute path and `v22.23.0`. Throws where npm gives none. */
export function installNode(major) {
  const folder = join(folderOfAll, String(major))
  const binary = join(folder, 'node_modules', '.bin', 'node')
  if (!existsSync(binary) || !versionOf(binary).startsWith(`v${major}.`)) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    // The package fetches its binary in an install script, which newer npm versions run only when they are told to.
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
    const quiet = ['--no-audit', '--no-fund', '--no-save', '--no-package-lock']
    const done = spawnSync('npm', ['install', ...quiet, '--ignore-scripts=false', `node@${major}`], {
      cwd: folder,
      timeout: 10 * 60_000,
      stdio: 'inherit',
      env: { ...process.env, ...withoutNpmSettings() },
    })
    if (done.status !== 0) throw new Error(`npm install node@${major} ended with ${done.signal ?? done.status}`)
  }
  const version = versionOf(binary)
  if (!version.startsWith(`v${major}.`)) throw new Error(`${binary} is ${version || 'not there'}`)
  return { binary, version }
}
