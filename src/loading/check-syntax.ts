import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Time that Node gets to look for a syntax error, milliseconds. */
const CHECK_TIMEOUT_MS = 5000

/**
 * `file:line`, the line and a mark below it, as `node --check` shows them. Empty where it finds nothing wrong, or something else
 * than `error`, as it does where a loader had made something else of the file. The file is `[stdin]` for `input`.
 */
export function checkSyntax(error: Error, args: readonly string[], input?: Uint8Array | string): string {
  const checked = spawnSync(process.execPath, ['--check', ...args], {
    encoding: 'utf8',
    timeout: CHECK_TIMEOUT_MS,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    ...(input === undefined ? {} : { input }),
  })
  const place = checked.stderr.split(/^\S*SyntaxError/m, 1)[0] ?? ''
  const isThis = checked.status !== 0 && checked.stderr.includes(error.message)
  return isThis && /:\d+$/m.test(place) ? place.trim() : ''
}

/** `file:line` and the line itself, as `node --check` shows them; empty where this file is not to blame. */
export function placeOfSyntaxError(error: Error, file: string): string {
  // Before Node 24 the check of a .js file without a package.json says nothing of a broken ES module; read as one, it does.
  const text = readFileSync(file)
  const asModule = /^\s*(?:import|export)\b/m.test(text.toString('latin1'))
  const place = checkSyntax(error, [file]) || (asModule ? checkSyntax(error, ['--input-type=module', '-'], text) : '')
  return place === '' ? '' : `${place.replace('[stdin]', file)}\n`
}
