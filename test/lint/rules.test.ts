import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { serve } from '../../src/index.ts'
import type { Application, Lifespan } from '../../src/index.ts'
import { LintFinding, RULES } from '../../src/middleware/lint/index.ts'
import type { RuleId } from '../../src/middleware/lint/index.ts'
import { readCheckoutFile } from '../house/checkout.ts'
import { until } from '../support/until.ts'
import { APPLICATION_FAULTS } from './application-faults.ts'
import type { ApplicationFault } from './application-faults.ts'
import { answering, server, TEXT, untyped, watched } from './faulty-server.ts'
import { late, readsAll, SERVER_FAULTS } from './server-faults.ts'

const found = new Set<string>()

function expectOnly(findings: readonly LintFinding[], rule: RuleId): void {
  for (const finding of findings) found.add(finding.rule)
  expect(
    findings.map((finding) => finding.rule),
    findings.map(({ message }) => message).join('\n'),
  ).toEqual(findings.length === 0 ? [rule] : findings.map(() => rule))
  const [finding] = findings
  expect(finding).toBeInstanceOf(LintFinding)
  expect(finding).toMatchObject({ code: 'TSGI_ERR_LINT', ...RULES[rule] })
  expect(finding?.message).toContain(`rule ${rule}, ${RULES[rule].severity} of the ${RULES[rule].by}`)
  expect([finding?.seen, finding?.expected]).not.toContain('')
}

/** One request, whatever becomes of it. */
function send(address: string, { method = 'GET', body, upgrade }: ApplicationFault): Promise<void> {
  const [host = '', port] = address.split(':')
  return new Promise((resolve) => {
    if (upgrade === true) {
      const socket = connect(Number(port), host)
      socket.on('data', () => socket.destroy()).on('error', () => {})
      socket.on('close', () => resolve())
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      return
    }
    const outgoing = request({ host, port, method: body === undefined ? method : 'POST', agent: false }, (response) => {
      response.resume().on('error', () => {})
      response.on('close', resolve)
    })
    outgoing.on('error', () => resolve()).end(body)
  })
}

const silent = { error() {}, warn() {}, info() {}, debug() {} }

describe('lint finds an application that', () => {
  it.each(APPLICATION_FAULTS)('$fault: rule $rule', async (fault) => {
    const { application, findings } = watched(fault.application)
    const running = await serve({ application, bind: '127.0.0.1:0', log: silent })
    try {
      await send(running.address, fault)
      await until(() => running.requestsInFlight === 0, 'the end of the request')
    } finally {
      await running.close()
    }
    expectOnly(findings, fault.rule)
  })

  it('is none', () => {
    for (const value of [undefined, { fetch() {} }, 'wsgi']) {
      expect(() => watched(value as unknown as Application)).toThrow(/rule 1\.1, error of the application: the application is/)
    }
    const { findings } = watched(((_request: unknown, _response: unknown, _next: unknown) => null) as unknown as Application)
    expectOnly(findings, '1.1')
  })

  it('has a lifespan that is none', () => {
    const { application, findings } = watched(Object.assign(answering(), { lifespan: { startup: 1 } as unknown as Lifespan }))
    expect(application.lifespan).toEqual({ startup: 1 })
    expectOnly(findings, '5.1')
  })

  it('calls startResponse with one argument', async () => {
    const { application, findings } = watched(
      untyped((_environ, startResponse) => {
        startResponse('200 OK')
        return null
      }),
    )
    await server().serve(application)
    expect(findings.map(({ rule }) => rule)).toEqual(['1.8', '1.11'])
  })
})

describe('lint finds a server with', () => {
  it.each(SERVER_FAULTS)('$fault: rule $rule', async ({ rule, make, application: given = answering() }) => {
    const { application, findings } = watched(given, { closeWithinMs: 20 })
    const one = server()
    make(one)
    // What comes of the fault is not the matter here.
    await one.serve(application).catch(() => {})
    await until(() => findings.length > 0, `a finding of rule ${rule}`)
    expectOnly(findings, rule)
  })

  it('a second startResponse that is taken', async () => {
    const { application, findings } = watched((_environ, startResponse) => {
      startResponse('200 OK', TEXT)
      startResponse('200 OK', TEXT)
      return 'hello'
    })
    const one = server()
    one.startResponse = () => async () => {}
    await one.serve(application)
    expect(findings.map(({ rule }) => rule)).toEqual(['1.2', '2.26'])
  })
})

it('a server and an application that break none of them are left alone', async () => {
  for (const application of [answering(), readsAll, late]) {
    const { application: linted, findings } = watched(application, { closeWithinMs: 1 })
    await server()
      .serve(linted)
      .catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(findings).toEqual([])
  }
})

describe('docs/tsgi-1.0.md', () => {
  const documented = [...readCheckoutFile('docs/tsgi-1.0.md').matchAll(/^- \*\*(\d+\.\d+)\*\* (.*)$/gm)]
  const numbers = documented.map(([, number]) => number)

  it('has every number once, in order', () => {
    expect(new Set(numbers).size).toBe(numbers.length)
    const value = (number = ''): number => Number(number.split('.')[0]) * 1000 + Number(number.split('.')[1])
    expect(numbers).toEqual(numbers.toSorted((left, right) => value(left) - value(right)))
  })

  it('says of exactly the rules of lint that lint sees them, and how severe they are', () => {
    const marked = documented.flatMap(([, number, text = '']) => {
      const severity = /_Lint: (error|warning)\._$/.exec(text)?.[1]
      return severity === undefined ? [] : [[number, severity]]
    })
    expect(Object.fromEntries(marked)).toEqual(
      Object.fromEntries(Object.entries(RULES).map(([id, { severity }]) => [id, severity])),
    )
  })

  afterAll(() => {
    // With a filter of tests, not every case has run.
    if (found.size > 40) expect([...found].toSorted()).toEqual(Object.keys(RULES).toSorted())
  })

  it('has a fault for every rule that lint can report', () => {
    const cases = [...APPLICATION_FAULTS, ...SERVER_FAULTS].map(({ rule }) => rule)
    expect([...new Set([...cases, '1.1', '5.1'])].toSorted()).toEqual(Object.keys(RULES).toSorted())
  })
})
