import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Absolute path of the checkout. */
export const checkout: string = fileURLToPath(new URL('../..', import.meta.url))

const generated = new Set(['node_modules', 'dist', 'coverage', '.cache', '.git', '.next', '.nitro', '.output'])

/** Every file of the checkout that is not generated, as paths with `/` relative to it. */
export function checkoutFiles(folder = ''): string[] {
  return readdirSync(join(checkout, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return generated.has(entry.name) ? [] : checkoutFiles(path)
    return entry.isFile() ? [relative(checkout, join(checkout, path)).split(sep).join('/')] : []
  })
}

export function readCheckoutFile(path: string): string {
  return readFileSync(join(checkout, path), 'utf8')
}
