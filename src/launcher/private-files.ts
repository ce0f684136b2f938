import { realpathSync, statSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'

import { quote } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import type { Settings } from '../settings/settings.ts'

/** Directories that hold what no client is to see: with one of these in it, it is a project. */
const OF_A_PROJECT = ['node_modules', 'tsgi.config.ts', 'tsgi.config.js', 'tsgi.config.json']

/** A directory that is served, with something in it that no client is to see. */
export interface GivenAway {
  /** `documentRoot` and `urlAlias`: whoever names a path for a URL may mean just that. */
  readonly key: 'documentRoot' | 'urlAlias'
  /** One sentence. */
  readonly seen: string
}

/**
 * What gives an application's own source, or a project with its packages and its configuration, to clients as files: names that
 * begin with a dot are not served, all others are. Throws `TSGI_ERR_APP_NOT_FOUND`.
 */
export function givenAway({ documentRoot, urlAlias }: Settings<'start-server'>, apps: readonly string[]): GivenAway[] {
  const served = [
    ...(documentRoot === undefined ? [] : [{ key: 'documentRoot', option: '--document-root', path: documentRoot } as const]),
    ...urlAlias.map(([url, path]) => ({ key: 'urlAlias', option: `--url-alias ${url}`, path }) as const),
  ]
  const own = apps.map((app) => realpathSync(locateApp(app, process.cwd()).file))
  return served.flatMap(({ key, option, path }) => {
    const directory = resolve(path)
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return []
    const real = realpathSync(directory)
    const source = own.find((file) => isBelow(relative(real, file)))
    const shown = source ?? OF_A_PROJECT.map((name) => resolve(real, name)).find(isThere)
    if (shown === undefined) return []
    const seen = `${option} ${quote(directory)} gives ${quote(relative(real, shown))} to everyone who asks for it; keep the files for clients in a directory of their own, such as ${quote(resolve(directory, 'public'))}`
    return [{ key, seen }]
  })
}

/** Of a relative path: another drive has an absolute one. */
function isBelow(path: string): boolean {
  return !isAbsolute(path) && !/^\.\.(?:[\\/]|$)/.test(path)
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
