import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { METRIC_FAMILIES } from '../../src/metrics/metric-families.ts'
import { promtool } from '../monitoring/promtool.ts'
import { requires } from '../support/requirements.ts'
import { Controlled } from './controlled.ts'
import { get } from './served.ts'

const { describe, test } = requires('dist', 'proc', 'promtool')

describe('what a server gives', () => {
  test('is read by Prometheus without a complaint, in both texts', async () => {
    const app = new Controlled()
    await app.serve('--workers', '2', '--worker-concurrency', '1')
    await Promise.all(Array.from({ length: 5 }, () => get(app.socket)))
    const { stdout: prometheus } = await app.ctl('metrics')
    expect(promtool(['check', 'metrics'], prometheus)).toEqual({ code: 0, said: '' })
    // `check metrics` reads only the other text; what fills a data base reads this one, but wants to know of each sample when it was.
    const { stdout: open } = await app.ctl('metrics', 'openmetrics')
    const directory = mkdtempSync(join(tmpdir(), 'tsgi-openmetrics-'))
    try {
      const file = join(directory, 'metrics.txt')
      writeFileSync(file, open.replace(/^[^#\n].*$/gm, '$& 1700000000'))
      const data = join(directory, 'data')
      expect(promtool(['tsdb', 'create-blocks-from', 'openmetrics', file, data])).toMatchObject({ code: 0 })
      // A data base that somebody looks into has one.
      mkdirSync(join(data, 'wal'))
      const { said } = promtool(['tsdb', 'dump', data])
      for (const { name } of METRIC_FAMILIES.filter(({ type }) => type !== 'histogram')) {
        if (!/_errors$|_failed_requests$|_gc_/.test(name)) expect(said).toMatch(new RegExp(`__name__="${name}(?:_total|_info)?"`))
      }
      expect(said).toContain('{__name__="tsgi_requests_total", class="2xx", mount="/", status="200"} 5 1700000000000')
      expect(said).toContain('{__name__="tsgi_request_duration_seconds_bucket", le="+Inf", mount="/"} 5 ')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
