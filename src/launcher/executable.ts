import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** Absolute path of the first `name` on the PATH, then in `more`; undefined where there is none. */
export function findExecutable(
  name: string,
  more: readonly string[] = [],
  path: string = process.env.PATH ?? '',
): string | undefined {
  // A relative folder on the PATH would make it depend on where one stands what is run.
  const folders = [...path.split(delimiter).filter((folder) => isAbsolute(folder)), ...more]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** True for a file that this process may execute. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
