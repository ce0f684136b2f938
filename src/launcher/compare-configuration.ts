import { readFileSync } from 'node:fs'

import { TsgiError } from '../interface/errors.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { configurationOf } from './configuration.ts'
import { blueprint } from './survey.ts'
import { unifiedDiff } from './unified-diff.ts'
import { unusableRoot } from './unusable-root.ts'

/**
 * What a start would change in the configuration that is on the disk, as a unified diff; empty: nothing. Writes nothing.
 * Rejects with what a start would say, and with `TSGI_ERR_OPTION` without a server root to look into.
 */
export async function compareConfiguration(read: ReadSettings<'start-server'>): Promise<string> {
  if (read.settings.serverRoot === undefined) {
    throw new TsgiError('TSGI_ERR_OPTION', 'diff needs --server-root DIR: the directory with the configuration to compare with')
  }
  const sources = await blueprint(read)
  if (sources.proxy === undefined) return ''
  const path = sources.root.configurationPath
  const before = textOf(path)
  const { text } = configurationOf({ ...sources, ...tokenIn(before) }, sources.proxy)
  return unifiedDiff(before ?? '', text, { before: before === undefined ? '/dev/null' : path, after: 'what a start would write' })
}

/** The secret of the last start: it is another one each time, which is no difference. */
function tokenIn(text: string | undefined): { token?: string } {
  const token = /(?:\/tsgi-probe:|\{HTTP:X-TSGI-Probe\}" "!\^)([\da-f\\-]{36,44})\$/.exec(text ?? '')?.[1]?.replaceAll('\\', '')
  return token === undefined ? {} : { token }
}

/** undefined: there is none. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return undefined
    throw unusableRoot(path, error)
  }
}
