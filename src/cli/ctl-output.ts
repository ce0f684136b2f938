import { styled } from '../launcher/terminal-colour.ts'
import { isRecord } from '../process/control-protocol.ts'
import type { Command, Result } from '../process/control-protocol.ts'

/** The answer to a command as a person reads it, with its line end. What is not there is shown as `-`: servers may be older or newer. */
export function describeResult(command: Command, result: Result, colour: boolean): string {
  switch (command.command) {
    case 'status':
      return describeStatus(result, colour)
    case 'workers':
      return describeWorkers(result, colour)
    case 'metrics':
      return typeof result['text'] === 'string' ? result['text'] : `${JSON.stringify(result)}\n`
    case 'reload':
      return `Reloaded: ${show(result['replaced'])} worker(s) replaced in ${show(result['ms'])} ms\n`
    case 'scale':
      return `Workers: ${show(result['workers'])}\n`
    case 'log-level':
      return `Log level: ${show(result['level'])}\n`
    case 'reopen-logs':
      return result['reopened'] === true ? 'Log files opened anew\n' : 'There are no log files to open anew\n'
    case 'upgrade':
      return `The new master ${show(result['pid'])} serves; the old one finishes its requests\n`
    case 'stop':
      return `Stopped, with exit code ${show(result['exitCode'])}\n`
  }
}

/** Text of a server that is not to move the cursor: control characters as escapes. */
export function plain(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function describeStatus(status: Result, colour: boolean): string {
  const workers = isRecord(status['workers']) ? status['workers'] : {}
  const settings = isRecord(status['settings']) ? status['settings'] : {}
  const state = status['reloading'] === true ? `${show(status['state'])}, reloading` : show(status['state'])
  const rows: [string, string][] = [
    ['Server', `${show(status['command'])} ${show(status['version'])}, Node ${show(status['node'])}`],
    ['State', `${state}, pid ${show(status['pid'])}`],
    ['Running for', duration(status['uptimeMs'])],
    ['Application', `${show(status['app'])} in ${show(status['directory'])}`],
    ...('url' in status ? [['URL', show(status['url'])] satisfies [string, string]] : []),
    ['Addresses', show(status['addresses'])],
    ...('serverRoot' in status ? [['Server root', show(status['serverRoot'])] satisfies [string, string]] : []),
    ['Control socket', show(status['controlSocket'])],
    ['Workers', `${show(workers['ready'])} ready of ${show(workers['wanted'])}, generation ${show(status['generation'])}`],
    ['Requests', show(status['requests'])],
    ...Object.entries(settings)
      .filter(([, value]) => value !== null && value !== 0)
      .map(([key, value]): [string, string] => setting(key, value)),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${styled('bold', name.padEnd(width), colour)}  ${value}\n`).join('')
}

/** `gracefulTimeoutMs: 15000` → `graceful-timeout`, `15s`. */
function setting(key: string, value: unknown): [string, string] {
  const [, name = key, unit] = /^(.*?)(Ms|Bytes)?$/.exec(key) ?? []
  const flag = plain(name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return [flag, unit === 'Ms' ? duration(value) : unit === 'Bytes' ? size(value) : show(value)]
}

function describeWorkers(result: Result, colour: boolean): string {
  const workers = Array.isArray(result['workers']) ? result['workers'].filter(isRecord) : []
  const rows = workers.map((worker) => {
    const busy = worker['loopUtilization']
    return [
      show(worker['id']),
      show(worker['pid']),
      show(worker['state']),
      show(worker['generation']),
      duration(worker['ageMs']),
      show(worker['requests']),
      show(worker['inFlight']),
      size(worker['rssBytes']),
      typeof busy === 'number' ? `${Math.round(busy * 100)}%` : '-',
    ]
  })
  return table(['ID', 'PID', 'STATE', 'GENERATION', 'AGE', 'REQUESTS', 'IN FLIGHT', 'MEMORY', 'BUSY'], rows, colour)
}

function table(header: readonly string[], rows: readonly (readonly string[])[], colour: boolean): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [styled('bold', line(header), colour), ...rows.map(line)].map((each) => `${each}\n`).join('')
}

function show(value: unknown): string {
  if (value === undefined || value === null) return '-'
  return plain(Array.isArray(value) ? value.map(String).join(', ') : String(value))
}

/** `93784000` → `1d 2h`: the two largest units. */
function duration(ms: unknown): string {
  if (typeof ms !== 'number') return '-'
  if (ms < 1000) return `${Math.round(ms)}ms`
  let left = Math.round(ms / 1000)
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const many = Math.floor(left / seconds)
    left -= many * seconds
    if (many > 0) parts.push(`${many}${unit}`)
  }
  return parts.slice(0, 2).join(' ')
}

function size(bytes: unknown): string {
  if (typeof bytes !== 'number') return '-'
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KB` : `${Math.round(bytes / 1024 ** 2)} MB`
}
