import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { parse } from 'yaml'
import { ERROR_CODES } from '../../src/interface/errors.ts'
import { requires } from '../support/requirements.ts'
import { monitoringFile, promtool } from './promtool.ts'

const { describe, test } = requires('promtool')

interface Rule {
  readonly alert: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

const FILE = monitoringFile('tsgi-alerts.yml')
// The test below fails where the file has another shape.
const { groups } = parse(readFileSync(FILE, 'utf8')) as { groups: { rules: Rule[] }[] }
const RULES = groups.flatMap(({ rules }) => rules)

const SHOP = 'job="tsgi",instance="web:9400",mount="/shop"'

/** What makes an alert fire and what does not yet, a sample a minute; whom it names, and what it says. */
interface Case {
  readonly bad: Readonly<Record<string, string>>
  readonly good: Readonly<Record<string, string>>
  /** When it must have fired. */
  readonly at: string
  readonly labels?: Readonly<Record<string, string>>
  readonly summary: string
}

/** Half a minute behind the last minute in which it must not have fired yet. */
const CASES: Readonly<Record<string, Case>> = {
  TsgiDown: {
    bad: { 'up{job="tsgi",instance="web:9400"}': '1 0 0 0' },
    good: { 'up{job="tsgi",instance="web:9400"}': '1 0 1 1', 'up{job="other",instance="web:1"}': '0x9' },
    at: '3m',
    labels: { job: 'tsgi', instance: 'web:9400' },
    summary: 'tsgi on web:9400 gives no metrics',
  },
  TsgiWorkersMissing: {
    bad: { [`tsgi_workers{${SHOP},state="ready"}`]: '4 3x9', [`tsgi_workers_wanted{${SHOP}}`]: '4x9' },
    good: { [`tsgi_workers{${SHOP},state="ready"}`]: '4 3 4x9', [`tsgi_workers_wanted{${SHOP}}`]: '4x9' },
    at: '4m',
    summary: 'web:9400/shop: only 3 workers are ready',
  },
  TsgiErrors: {
    bad: {
      [`tsgi_requests_total{${SHOP},class="2xx",status="200"}`]: '0+900x20',
      [`tsgi_requests_total{${SHOP},class="5xx",status="500"}`]: '0+50x20',
      [`tsgi_requests_total{${SHOP},class="5xx",status="504"}`]: '0+50x20',
    },
    good: {
      [`tsgi_requests_total{${SHOP},class="2xx",status="200"}`]: '0+960x20',
      [`tsgi_requests_total{${SHOP},class="5xx",status="500"}`]: '0+40x20',
    },
    at: '12m',
    summary: 'web:9400/shop: 10% of the requests fail',
  },
  TsgiSlow: {
    bad: {
      [`tsgi_request_duration_seconds_bucket{${SHOP},le="1"}`]: '0+90x30',
      [`tsgi_request_duration_seconds_bucket{${SHOP},le="2.5"}`]: '0+100x30',
      [`tsgi_request_duration_seconds_bucket{${SHOP},le="+Inf"}`]: '0+100x30',
    },
    good: {
      [`tsgi_request_duration_seconds_bucket{${SHOP},le="0.5"}`]: '0+100x30',
      [`tsgi_request_duration_seconds_bucket{${SHOP},le="+Inf"}`]: '0+100x30',
    },
    at: '20m',
    summary: 'web:9400/shop: one request of a hundred takes longer than 2.35s',
  },
  TsgiTimeouts: {
    bad: { [`tsgi_request_timeouts_total{${SHOP}}`]: '0x10 1+1x10' },
    good: { [`tsgi_request_timeouts_total{${SHOP}}`]: '0x10 3x10' },
    at: '20m',
    summary: 'web:9400/shop: 10 requests were given up in ten minutes',
  },
  TsgiRequestsFail: {
    bad: {
      [`tsgi_failed_requests_total{${SHOP},code="TSGI_ERR_WORKER_EXIT"}`]: '0+1x20',
      [`tsgi_failed_requests_total{${SHOP},code="TSGI_ERR_REQUEST_TIMEOUT"}`]: '0+1x20',
    },
    good: { [`tsgi_failed_requests_total{${SHOP},code="TSGI_ERR_WORKER_EXIT"}`]: '0x10 4x10' },
    at: '20m',
    summary: 'web:9400/shop: 20 requests failed before a worker answered them, in ten minutes',
  },
  TsgiRefuses: {
    bad: { [`tsgi_requests_refused_total{${SHOP}}`]: '0+120x20' },
    good: { [`tsgi_requests_refused_total{${SHOP}}`]: '0x10 120x20' },
    at: '12m',
    summary: 'web:9400/shop refuses 2 requests a second',
  },
  TsgiSaturated: {
    bad: {
      [`tsgi_event_loop_busy_seconds_total{${SHOP}}`]: '0+108x30',
      [`tsgi_workers{${SHOP},state="ready"}`]: '2x30',
      [`tsgi_workers{${SHOP},state="booting"}`]: '7x30',
    },
    good: { [`tsgi_event_loop_busy_seconds_total{${SHOP}}`]: '0+96x30', [`tsgi_workers{${SHOP},state="ready"}`]: '2x30' },
    at: '20m',
    summary: 'web:9400/shop: the workers are busy 90% of the time',
  },
  TsgiEventLoopBlocked: {
    bad: {
      [`tsgi_worker_event_loop_delay_p99_seconds{${SHOP},worker="3"}`]: '0.5x20',
      [`tsgi_worker_event_loop_delay_p99_seconds{${SHOP},worker="2"}`]: '0.01x20',
    },
    good: { [`tsgi_worker_event_loop_delay_p99_seconds{${SHOP},worker="3"}`]: '0.5x5 0.01 0.5x4' },
    at: '9m',
    labels: { job: 'tsgi', instance: 'web:9400', mount: '/shop', worker: '3' },
    summary: 'web:9400/shop: worker 3 is held up by 500ms',
  },
  TsgiWorkersDie: {
    bad: { [`tsgi_worker_endings_total{${SHOP},cause="signal"}`]: '0 1 2 3x30' },
    good: {
      [`tsgi_worker_endings_total{${SHOP},cause="signal"}`]: '0 1 1x30',
      [`tsgi_worker_endings_total{${SHOP},cause="reload"}`]: '0+4x30',
    },
    at: '15m',
    labels: { job: 'tsgi', instance: 'web:9400', mount: '/shop', cause: 'signal' },
    summary: 'web:9400/shop: 3 workers ended in a quarter of an hour: signal',
  },
  TsgiReloadFailed: {
    bad: { [`tsgi_reloads_total{${SHOP},result="failed"}`]: '0 1x20' },
    good: { [`tsgi_reloads_total{${SHOP},result="done"}`]: '0+1x20', [`tsgi_reloads_total{${SHOP},result="failed"}`]: '1x20' },
    at: '5m',
    labels: { job: 'tsgi', instance: 'web:9400', mount: '/shop', result: 'failed' },
    summary: 'web:9400/shop: a reload failed',
  },
  TsgiResponsesBreak: {
    bad: {
      [`tsgi_responses_broken_total{${SHOP}}`]: '0+2x20',
      [`tsgi_requests_total{${SHOP},class="2xx",status="200"}`]: '0+100x20',
    },
    good: {
      [`tsgi_responses_broken_total{${SHOP}}`]: '0+1x20',
      [`tsgi_requests_total{${SHOP},class="2xx",status="200"}`]: '0+200x20',
    },
    at: '12m',
    summary: 'web:9400/shop: 2% of the responses break off',
  },
}

const directory = mkdtempSync(join(tmpdir(), 'tsgi-alerts-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Promtool's test of one alert, fires and does not, as JSON, which is YAML too. */
function testFile({ alert, labels, annotations }: Rule, { bad, good, at, labels: whom, summary }: Case): string {
  const series = (values: Case['bad']): object[] =>
    Object.entries(values).map(([name, value]) => ({ series: name, values: value }))
  const fired = {
    exp_labels: { ...labels, ...(whom ?? { job: 'tsgi', instance: 'web:9400', mount: '/shop' }) },
    exp_annotations: { summary, description: annotations.description },
  }
  const alertTest = (exp_alerts: object[]): object => ({ eval_time: at, alertname: alert, exp_alerts })
  return JSON.stringify({
    rule_files: [FILE],
    evaluation_interval: '30s',
    tests: [
      { name: `${alert} fires`, interval: '1m', input_series: series(bad), alert_rule_test: [alertTest([fired])] },
      { name: `${alert} does not`, interval: '1m', input_series: series(good), alert_rule_test: [alertTest([])] },
    ],
  })
}

describe('the alerts of examples/monitoring', () => {
  test('are rules and a configuration as Prometheus takes them', () => {
    expect(promtool(['check', 'rules', FILE])).toMatchObject({ code: 0, said: expect.stringContaining(`${RULES.length} rules`) })
    expect(promtool(['check', 'config', monitoringFile('prometheus.yml')])).toMatchObject({ code: 0 })
  })

  test('have a case each, and name only codes that exist', () => {
    expect(RULES.map(({ alert }) => alert)).toEqual(Object.keys(CASES))
    const codes = RULES.flatMap(({ annotations }) => annotations.description.match(/TSGI_ERR_\w+/g) ?? [])
    expect(codes.length).toBeGreaterThan(4)
    for (const code of codes) expect(Object.keys(ERROR_CODES)).toContain(code)
  })

  for (const rule of RULES) {
    test(`${rule.alert} fires when it should, tells whom and what, and not before`, () => {
      const each = CASES[rule.alert]
      if (each === undefined) throw new Error(`no case for ${rule.alert}`)
      const file = join(directory, `${rule.alert}.json`)
      writeFileSync(file, testFile(rule, each))
      const { code, said } = promtool(['test', 'rules', file])
      expect(said).toContain('SUCCESS')
      expect(code).toBe(0)
    })
  }
})
