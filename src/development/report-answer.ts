import { randomBytes } from 'node:crypto'

import type { FailureAnswer } from '../gateway/failure-page.ts'
import type { FailureReport } from './failure-report.ts'
import { htmlReport } from './report-html.ts'
import { jsonReport, textReport } from './report-text.ts'

/** The report as the client can read it. `generation`: of the code that is served. */
export function reportAnswer(report: FailureReport, accept: string, generation: number): FailureAnswer {
  // Other sites may make a browser ask for it: none of them may show or read it.
  const fields = [
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
  ] as const
  if (/\btext\/html\b|\bapplication\/xhtml\+xml\b/i.test(accept)) {
    const nonce = randomBytes(16).toString('base64url')
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`
    return {
      fields: [['Content-Type', 'text/html; charset=utf-8'], ['Content-Security-Policy', policy], ...fields],
      body: htmlReport(report, { nonce, generation }),
    }
  }
  if (/\bapplication\/(?:[\w.-]+\+)?json\b/i.test(accept)) {
    return { fields: [['Content-Type', 'application/json'], ...fields], body: jsonReport(report) }
  }
  return { fields: [['Content-Type', 'text/plain; charset=utf-8'], ...fields], body: textReport(report) }
}
