import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'

import { quote, TsgiError } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { loaderReason } from '../loading/typescript-loader.ts'
import { bytesOf } from '../recording/kept-body.ts'
import { parseRecordedRequest } from '../recording/recorded-request.ts'
import type { RecordedRequest } from '../recording/recorded-request.ts'
import { Redactor } from '../recording/redactor.ts'
import { addSomeSettings } from '../settings/settings-options.ts'
import { readSettings } from '../settings/settings-read.ts'
import { COMPARED_HEADERS, differences } from './replay-compare.ts'
import type { Comparison } from './replay-compare.ts'
import { countResults, describeDifference, describeTotals } from './replay-report.ts'
import type { ReplayResult } from './replay-report.ts'
import { ReplayedApplication } from './replayed-application.ts'
import { addCommand } from './run-program.ts'

/** Of the options of `serve`, those that say what application this is and what it finds, and what was taken out of the record. */
const SETTINGS = [
  ...['interface', 'mountPoint', 'chdir', 'config', 'setenv', 'envFile', 'startupTimeout', 'requestTimeout'],
  ...['recordRedact'],
]

/** Where the settings have no limit for a request, milliseconds: a replay must come to an end. */
const REQUEST_MS = 60_000

/** Methods that ask and change nothing (RFC 9110, section 9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

interface ReplayFlags extends Record<string, unknown> {
  readonly all?: true
  readonly filter?: string
  readonly header?: readonly string[]
  readonly compare?: readonly string[]
  readonly ignore?: readonly string[]
  readonly json?: true
}

/** What of a record is replayed, and how. */
interface Choice {
  readonly all: boolean
  readonly filter: RegExp | undefined
  /** Variables that are set in every request. */
  readonly variables: readonly (readonly [name: string, value: string])[]
  readonly mountPoint: string
}

/** `tsgi replay`: recorded requests against a working copy. */
export function addReplayCommand(program: Command): void {
  const several = (value: string, earlier: readonly string[] | undefined): readonly string[] => [...(earlier ?? []), value]
  const command = addCommand(program, 'replay', 'Send recorded requests to a working copy, and say what it answers differently')
    .argument('<FILE>', 'What --record has written')
    .argument('[APP]', 'path[:export] of the application (default: app in tsgi.config.ts, else wsgi.ts or wsgi.js here)')
  addSomeSettings(command, 'serve', SETTINGS)
    .option('--all', 'Also requests that may change something, such as POST')
    .option('--filter <REGEXP>', 'Only requests whose method and target match: "^GET /api/"')
    .option('--header <FIELD>', 'A header of every request, such as "Cookie: id=1"; may be given several times', several)
    .option('--compare <NAME>', 'A header more to compare; may be given several times', several)
    .option('--ignore <NAME>', 'A header, body or status that may differ; may be given several times', several)
    .option('--json', 'Print what was found as JSON')
    .action(async (file: string, app: string | undefined, options: ReplayFlags) => {
      process.exitCode = await replay(file, app, options)
    })
}

/** Resolves to the exit code: 1 where something differs. */
async function replay(record: string, given: string | undefined, flags: ReplayFlags): Promise<number> {
  const { all, filter, header = [], compare = [], ignore = [], json, ...options } = flags
  const comparison = comparisonOf(compare, ignore)
  const variables = header.map(variableOf)
  const pattern = filter === undefined ? undefined : patternOf(filter)
  const read = await readSettings({ command: 'serve', app: given, options, environment: process.env, directory: process.cwd() })
  const { settings, app } = read
  const location = locateApp(app, process.cwd())
  const { mountPoint } = settings
  const choice: Choice = { all: all === true, filter: pattern, variables, mountPoint }
  const redactor = new Redactor(settings.recordRedact)
  const requestTimeoutMs = settings.requestTimeout || REQUEST_MS
  const loader = loaderReason(location.file) !== undefined
  const application = await ReplayedApplication.start(
    {
      replay: 'order',
      ...location,
      exportName: location.exportName,
      interface: settings.interface,
      loader,
      mountPoint,
      requestTimeoutMs,
    },
    settings,
  )
  const results: ReplayResult[] = []
  try {
    for await (const { recorded, line } of recordedRequests(record)) {
      const result = await one(application, recorded, line, choice, comparison, redactor)
      if (result === undefined) continue
      results.push(result)
      if (result.result === 'different' && json !== true) process.stdout.write(describeDifference(result))
    }
    await application.end()
  } finally {
    application.kill()
  }
  const counts = countResults(results)
  if (json === true) process.stdout.write(`${JSON.stringify({ record, app, ...counts, requests: results })}\n`)
  else process.stdout.write(describeTotals(results))
  return counts.different > 0 ? 1 : 0
}

/** Undefined: the filter does not want it. */
async function one(
  application: ReplayedApplication,
  recorded: RecordedRequest,
  line: number,
  choice: Choice,
  comparison: Comparison,
  redactor: Redactor,
): Promise<ReplayResult | undefined> {
  const request = `${recorded.params['REQUEST_METHOD'] ?? ''} ${recorded.params['REQUEST_URI'] ?? ''}`
  if (choice.filter?.test(request) === false) return undefined
  const about = { line, request, at: recorded.at }
  const reason = whySkipped(recorded, choice)
  if (reason !== undefined) return { ...about, result: 'skipped', reason }
  const body = bytesOf(recorded.body) ?? Buffer.alloc(0)
  const params = paramsOf(recorded, body, choice)
  const answer = await application.ask({ params, body: body.toString('base64') }, request)
  const found = differences(recorded, answer, comparison, redactor)
  if (found.length === 0) return { ...about, result: 'same' }
  return { ...about, result: 'different', differences: found, ...(answer.errors.length === 0 ? {} : { errors: answer.errors }) }
}

function whySkipped({ params, mount, body, response }: RecordedRequest, choice: Choice): string | undefined {
  if (mount !== choice.mountPoint) return `of the application at ${mount || '/'} (--mount-point ${mount || '/'})`
  if (body.left !== undefined) return `the body of the request is not in the record (${body.left})`
  if (choice.all) return undefined
  const method = params['REQUEST_METHOD'] ?? ''
  if (!SAFE.has(method)) return `${method} may change something (--all)`
  if (/^50[34] /.test(response.status)) return 'answered 503 or 504, which may have been for the load (--all)'
  return undefined
}

function paramsOf({ params }: RecordedRequest, body: Buffer, { variables }: Choice): string[] {
  const all = new Map(Object.entries(params))
  // What was taken out of it has changed its length.
  if (body.length > 0) all.set('CONTENT_LENGTH', String(body.length))
  for (const [name, value] of variables) all.set(name, value)
  return [...all].flat()
}

/** Rejects with `TSGI_ERR_RECORD`. */
async function* recordedRequests(file: string): AsyncGenerator<{ recorded: RecordedRequest; line: number }, void, undefined> {
  const stream = createReadStream(file, 'utf8')
  let line = 0
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
      line += 1
      if (text !== '') yield { recorded: parseRecordedRequest(text, `${file}:${line}`), line }
    }
  } catch (error) {
    if (error instanceof TsgiError) throw error
    throw new TsgiError('TSGI_ERR_RECORD', `${quote(file)}: ${quote(error)}`, { cause: error })
  }
}

function comparisonOf(compare: readonly string[], ignore: readonly string[]): Comparison {
  const [more, less] = [compare, ignore].map((names) => names.map((name) => name.toLowerCase()))
  const headers = [...new Set([...COMPARED_HEADERS, ...(more ?? [])])]
  return {
    headers: headers.filter((name) => less?.includes(name) !== true),
    body: less?.includes('body') !== true,
    status: less?.includes('status') !== true,
  }
}

/** `Cookie: a=1` as the variable that it is to an application. */
function variableOf(field: string): readonly [string, string] {
  const match = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e\x80-\xff]*)$/.exec(field)
  if (match === null) throw new TsgiError('TSGI_ERR_OPTION', `--header is ${quote(field)}, but takes "Name: value"`)
  const name = (match[1] ?? '').toUpperCase().replaceAll('-', '_')
  return [name === 'CONTENT_TYPE' ? name : `HTTP_${name}`, match[2] ?? '']
}

function patternOf(filter: string): RegExp {
  try {
    return new RegExp(filter)
  } catch (error) {
    throw new TsgiError('TSGI_ERR_OPTION', `--filter is ${quote(filter)}: ${quote(error)}`)
  }
}
