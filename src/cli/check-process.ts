import type { LintFinding } from '../middleware/lint/index.ts'
import { lint } from '../middleware/lint/index.ts'
import { detailOf, TsgiError } from '../interface/errors.ts'
import type { ErrorCode } from '../interface/errors.ts'
import type { Logger } from '../interface/logger.ts'
import { prepareApplication } from '../loading/prepare-application.ts'
import type { ServedApplication } from '../loading/prepare-application.ts'
import { retryReason } from '../loading/typescript-loader.ts'
import { describeFailure } from '../process/boot-failure.ts'
import { onIdle } from '../process/on-idle.ts'
import { Server } from '../server/server.ts'
import type { CheckedRequest, CheckMessage, CheckOrder, CheckProblem } from './check-messages.ts'
import { ask, commonProbes, conditionalProbe, nameOf, probesOf } from './check-requests.ts'
import type { Probe, ProbeAnswer } from './check-requests.ts'

/** The process of `tsgi check` that has the application: one of its own, as the application may need a loader, or never end. */

/** What requests get to end behind the last answer, and an application for its shutdown, milliseconds. */
const END_MS = 2000
const SHUTDOWN_MS = 5000

/** What the request that is under way has brought to light. */
let problems: CheckProblem[] = []
let current: string | null = null

function send(message: CheckMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
}

function onFinding({ severity, code, rule, by, seen, expected, stack }: LintFinding): void {
  problems.push({ severity, code, rule, by, seen, expected, request: current, where: placeIn(stack) })
}

function addProblem(severity: CheckProblem['severity'], code: ErrorCode, seen: string, stack?: string): void {
  problems.push({ severity, code, rule: null, by: 'application', seen, expected: null, request: current, where: placeIn(stack) })
}

/** The first frame of the application itself. */
function placeIn(stack = ''): string | null {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  const own = frames.find((line) => file !== '' && line.includes(file)) ?? ''
  return /\(?([^()\s]+:\d+:\d+)\)?$/.exec(own)?.[1]?.replace(/^file:\/\//, '') ?? null
}

let file = ''

/** What the server logs is what a client does not see. Lint has told of most of it already, and better. */
const log: Logger = {
  error(message, error) {
    if (problems.some(({ severity, request }) => severity === 'error' && request === current)) return
    const code = error instanceof TsgiError ? error.code : 'TSGI_ERR_APPLICATION'
    const seen =
      error instanceof TsgiError ? detailOf(error) : error instanceof Error ? `${error.name}: ${error.message}` : message
    addProblem('error', code, `the request failed: ${seen}`, error instanceof Error ? error.stack : undefined)
  },
  warn() {},
  info() {},
  debug() {},
}

async function check(order: CheckOrder): Promise<void> {
  let application: ServedApplication
  file = order.file
  const { exportName } = order
  try {
    application = await prepareApplication({
      location: { file: order.file, ...(exportName === undefined ? {} : { exportName }) },
      loader: order.loader,
      interface: order.interface,
      log,
      onClose: (finished) => finished(),
      onWaiting: () => {},
      onIdle,
      around: (inner) => lint(inner, { onFinding, closeWithinMs: END_MS / 2 }),
    })
    await application.lifespan.startup()
  } catch (error) {
    const again = !order.loader && error instanceof TsgiError && retryReason(error.cause) !== undefined
    await send(again ? { check: 'needs-loader' } : { check: 'failed', failure: describeFailure(error, order.file) })
    return
  }
  const { handler, kind, lifespan } = application
  const server = new Server({ handler, log, mountPoint: order.mountPoint })
  const address = await server.listen({ type: 'tcp', host: '127.0.0.1', port: 0 })
  const ofApplication = take()
  const requests = await askAll(order, address.type === 'tcp' ? address.port : 0, server)
  await server.drain(END_MS)
  current = null
  await step('its shutdown')
  await shutDown(lifespan)
  const result = { kind, exportName: application.exportName ?? null, requests, problems: [...ofApplication, ...take()] }
  await send({ check: 'done', result })
}

/** Everything that was found, which is told from then on. */
function take(): CheckProblem[] {
  const found = problems
  problems = []
  return found
}

async function askAll({ paths, mountPoint }: CheckOrder, port: number, server: Server): Promise<CheckedRequest[]> {
  const requests: CheckedRequest[] = []
  const one = async (probe: Probe): Promise<ProbeAnswer> => {
    const name = nameOf(probe)
    current = name
    await step(name)
    const answer = await ask(port, probe)
    await ended(server)
    judge(answer)
    requests.push({ request: name, status: answer.status, problems: take() })
    return answer
  }
  for (const path of paths) {
    const target = mountPoint + path
    const answers: ProbeAnswer[] = []
    for (const probe of probesOf(target)) answers.push(await one(probe))
    const [get, head] = answers
    if (get === undefined || head === undefined) continue
    compareHead(requests, `HEAD ${target}`, get, head)
    const conditional = conditionalProbe(target, get)
    if (conditional !== undefined) await one(conditional)
  }
  for (const probe of commonProbes(mountPoint)) await one(probe)
  return requests
}

/** An answer may be whole for its client before the application is done. */
async function ended(server: Server): Promise<void> {
  const deadline = performance.now() + END_MS
  while (server.requestsInFlight > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** What is wrong with an answer from outside, where nothing from inside says why. */
function judge({ status, problem }: ProbeAnswer): void {
  if (problems.some(({ severity }) => severity === 'error')) return
  if (problem !== undefined) addProblem('error', 'TSGI_ERR_APPLICATION', problem)
  else if (status >= 500 && status !== 501 && status !== 503)
    addProblem('warning', 'TSGI_ERR_APPLICATION', `it answers ${status}`)
}

/** RFC 9110, section 9.3.2: an answer to HEAD is that to GET without its content. */
function compareHead(requests: CheckedRequest[], name: string, get: ProbeAnswer, head: ProbeAnswer): void {
  if (get.status === head.status || get.status === 0 || head.status === 0 || get.status >= 400) return
  const index = requests.findIndex(({ request }) => request === name)
  const request = requests[index]
  if (request === undefined) return
  current = request.request
  addProblem('warning', 'TSGI_ERR_APPLICATION', `HEAD is answered ${head.status}, and GET ${get.status}`)
  requests[index] = { ...request, problems: [...request.problems, ...take()] }
}

async function shutDown(lifespan: ServedApplication['lifespan']): Promise<void> {
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, SHUTDOWN_MS, 'late').unref())
  try {
    const how = await Promise.race([lifespan.shutdown(), late])
    if (how === 'late') addProblem('error', 'TSGI_ERR_LIFESPAN', `shutdown() has not ended within ${SHUTDOWN_MS / 1000} s`)
  } catch (error) {
    const { cause } = error instanceof Error ? error : { cause: undefined }
    const seen = error instanceof TsgiError ? detailOf(error) : String(error)
    addProblem('error', 'TSGI_ERR_LIFESPAN', seen, cause instanceof Error ? cause.stack : undefined)
  }
}

function step(at: string): Promise<void> {
  return send({ check: 'step', at })
}

function main(): void {
  process.on('disconnect', () => process.exit(1))
  process.on('uncaughtException', (error) => {
    const failure = describeFailure(error, file)
    const message =
      current === null ? failure.message : `uncaught, or a rejection that nobody handles, in ${current}: ${failure.message}`
    void send({ check: 'failed', failure: { ...failure, message } }).then(() => process.exit(1))
  })
  process.setSourceMapsEnabled(true)
  process.once('message', (order) => {
    // `check.ts` sends it, and nobody else can.
    const given = order as CheckOrder
    process.argv = [process.execPath, given.file]
    void check(given).then(() => process.exit(0))
  })
}

main()
