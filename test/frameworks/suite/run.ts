import { execFileSync } from 'node:child_process'
import { valueOf } from './answer.ts'
import { isAtLeast } from '../../../src/proxy/version.ts'
import { testedBuild } from '../../proxy/tested-nginx.ts'
import { startBench } from './bench.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { converse } from './client.ts'
import type { Conversation, Target } from './client.ts'
import { caseId } from './case.ts'
import type { Case } from './case.ts'
import { compare } from './compare.ts'
import type { Verdict } from './compare.ts'
import type { Difference } from './difference.ts'
import { DIFFERENCES } from './differences.ts'
import { waysOf } from './ways.ts'
import type { Reference, WayName } from './ways.ts'

/** Cases under way at a time: enough to fill the waits of slow ones, few enough that what has to come in time does. */
const AT_ONCE = 6
/**
 * httpd does not see that a client leaves while the application waits: these cases take until the application's patience ends, beside
 * the others.
 */
const LEAVING_AT_ONCE = 20

export interface Run {
  readonly verdicts: readonly Verdict[]
  /** Cases whose answer on `node:http` was not what their name says, and cases that could not be played. */
  readonly problems: readonly string[]
  readonly output: string
}

export interface SuiteOptions extends BenchOptions {
  /** The framework's name, by which differences are its own. */
  readonly name: string
  /** False: the application does not answer all of the contract, so that statuses may be others than cases say. */
  readonly whole: boolean
}

/** Whether this version of Node, and the nginx that is tested, show a difference. */
export function isExpected({ sinceNode = 0, sinceNginx }: Difference, major: number): boolean {
  return sinceNode <= major && (sinceNginx === undefined || isAtLeast(testedBuild().version, sinceNginx))
}

/** Those that an application of this framework may show on this version of Node. */
export function differencesOf(framework: string, major: number): Difference[] {
  return DIFFERENCES.filter((one) => (one.frameworks?.includes(framework) ?? true) && isExpected(one, major))
}

/** The major version of a Node, or of the one that runs the tests. */
export function nodeMajor(node?: string): number {
  const version =
    node === undefined ? process.versions.node : execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
  return Number.parseInt(version, 10)
}

/** Plays every case over every way, and compares. */
export async function runSuite(options: SuiteOptions, cases: readonly Case[]): Promise<Run> {
  const differences = differencesOf(options.name, nodeMajor(options.node))
  const bench = await startBench(options)
  const verdicts: Verdict[] = []
  const problems: string[] = []
  try {
    const playAll = async (waiting: Case[], atOnce: number): Promise<void> => {
      const worker = async (): Promise<void> => {
        for (let one = waiting.shift(); one !== undefined; one = waiting.shift())
          await play(one, { bench, options, differences, verdicts, problems })
      }
      await Promise.all(Array.from({ length: atOnce }, worker))
    }
    const isSlow = (one: Case): boolean => options.proxy === 'Apache' && one.leaves !== undefined
    await Promise.all([
      playAll(cases.filter(isSlow), LEAVING_AT_ONCE),
      playAll(
        cases.filter((one) => !isSlow(one)),
        AT_ONCE,
      ),
    ])
    return { verdicts, problems, output: bench.output() }
  } finally {
    await bench.stop()
  }
}

interface Playing {
  readonly bench: Bench
  readonly options: SuiteOptions
  readonly differences: readonly Difference[]
  readonly verdicts: Verdict[]
  readonly problems: string[]
}

async function play(one: Case, { bench, options, differences, verdicts, problems }: Playing): Promise<void> {
  const ways = waysOf(options.proxy ?? 'nginx').filter((way) => one.ways?.includes(way.name) ?? true)
  const references = [...new Set(ways.map((way) => way.reference))]
  const names: (Reference | WayName)[] = [...references, ...ways.map((way) => way.name)]
  const results = await Promise.allSettled(
    names.map((name) =>
      converseAgain(
        one,
        bench.target(name),
        references.some((reference) => reference === name),
      ),
    ),
  )
  const conversations = new Map<string, Conversation>()
  for (const [index, result] of results.entries()) {
    const name = names[index] ?? ''
    if (result.status === 'fulfilled') conversations.set(name, result.value)
    else problems.push(`${caseId(one)}, ${name}: ${String(result.reason)}`)
  }
  for (const reference of references) {
    if (one.leaves !== undefined && conversations.get(reference)?.connection === 'silent')
      problems.push(`${caseId(one)}: ${reference} did not give what the client waited for before it left`)
    const statusLine = conversations.get(reference)?.answers[0]?.statusLine
    if (
      options.whole &&
      one.status !== undefined &&
      statusLine !== undefined &&
      !statusLine.startsWith(`HTTP/1.1 ${one.status}`)
    ) {
      problems.push(`${caseId(one)}: ${reference} gave ${statusLine}, not ${one.status}`)
    }
  }
  for (const way of ways) {
    const expected = conversations.get(way.reference)
    const actual = conversations.get(way.name)
    if (expected !== undefined && actual !== undefined) verdicts.push(compare(one, way.name, expected, actual, differences))
  }
}

/** How often a reference may lose a race that is its own. */
const REPLAYS = 3

/**
 * `node:http` closes a connection behind a malformed request or after a while, and the proxy may be sending the next request on it
 * by then: its 502 says nothing of the application. tsgi gets no second chance.
 */
async function converseAgain(one: Case, target: Target, isReference: boolean): Promise<Conversation> {
  let conversation = await converse(one, target)
  for (let replay = 0; replay < REPLAYS && isReference && one.log === undefined && isLost(conversation); replay++) {
    conversation = await converse(one, target)
  }
  return conversation
}

/** httpd closes the client's connection instead, where it has answered on it before. */
function isLost({ answers, connection }: Conversation): boolean {
  const isTold = answers.some(({ fields, end }) => end !== 'length' || /close/i.test(valueOf(fields, 'connection') ?? ''))
  if (connection === 'closed' && !isTold) return true
  return answers.some(
    ({ statusLine, fields }) => statusLine.includes(' 502 ') && fields.some((field) => /^Server: (?:nginx|Apache)$/.test(field)),
  )
}
