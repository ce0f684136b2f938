import { onTestFinished } from 'vitest'
import { chromium } from 'playwright-core'
import type { Page } from 'playwright-core'

import { findExecutable } from './requirements.ts'

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A page of a real browser, and all that went wrong in it. */
export async function open(
  colorScheme: 'light' | 'dark' = 'light',
): Promise<{ page: Page; problems: string[]; foreign: string[] }> {
  const executablePath = findExecutable('chromium') ?? ''
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS })
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ colorScheme, ignoreHTTPSErrors: true })
  const problems: string[] = []
  const foreign: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    // A page that says that something has failed is meant.
    if (message.type() === 'error' && !/status of (?:422|500)/.test(message.text())) problems.push(message.text())
  })
  page.on('dialog', (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!/^https?:\/\/(?:127\.0\.0\.1|localhost):/.test(request.url())) foreign.push(request.url())
  })
  return { page, problems, foreign }
}
