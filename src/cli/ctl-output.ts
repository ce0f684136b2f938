import { styled } from '../launcher/terminal-colour.ts'
import { isRecord } from '../process/control-protocol.ts'
import type { Command, Result } from '../process/control-protocol.ts'
import { columns, duration, plain, show, size } from './figures.ts'

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
  const header = ['ID', 'PID', 'STATE', 'GENERATION', 'AGE', 'REQUESTS', 'IN FLIGHT', 'MEMORY', 'BUSY']
  const [first = '', ...rest] = columns(
    [header, ...rows],
    header.map(() => false),
  )
  return [styled('bold', first, colour), ...rest].map((line) => `${line}\n`).join('')
}
