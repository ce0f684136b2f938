import { readFileSync } from 'node:fs'

/** The version of this package. */
export function packageVersion(): string {
  // The package's own file, which every package has.
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
