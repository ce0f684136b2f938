import { expect, it } from 'vitest'

import { open } from '../support/browser.ts'
import { requires } from '../support/requirements.ts'
import { application, Developed, project } from './developed.ts'

const BROKEN = `import { total } from './total.ts'

export const application = async (environ: { PATH_INFO: string }, startResponse: (status: string, headers: []) => void) => {
  const lines: number[] = []
  startResponse('200 OK', [])
  return \`<p>\${total(lines, environ.PATH_INFO)}\`
}
`

const TOTAL = `interface Nothing {
  never: string
}

export function total(lines: number[], path: string): number {
  try {
    return JSON.parse('{' + path)
  } catch (cause) {
    throw new RangeError(\`<script>alert("\${path}")</script> \${lines.length}\`, { cause })
  }
}
`

requires('dist', 'chromium', 'full').describe('the page of a request that has failed, in a browser', () => {
  it('shows the error, its cause and the source of both, and goes when that is mended', async () => {
    const directory = project({ 'app.ts': BROKEN, 'total.ts': TOTAL })
    const developed = new Developed(directory, ['app.ts'])
    const url = await developed.ready()
    const { page, problems, foreign } = await open()
    await page.setExtraHTTPHeaders({ Authorization: 'Bearer of-nobody', Cookie: 'session=of-nobody', 'X-Shown': 'of-all' })
    const response = await page.goto(`${url}/orders/7?x=<b>`)
    expect(response?.status()).toBe(500)
    expect(await page.title()).toBe('RangeError: <script>alert("/orders/7")</script> 0')
    expect(await page.locator('h1').innerText()).toBe('RangeError <script>alert("/orders/7")</script> 0')
    expect(await page.locator('h2 .name').innerText()).toBe('SyntaxError')
    // The frames of the application are open, with the very line.
    const first = page.locator('.frame').first()
    expect(await first.locator('.place').innerText()).toMatch(/^total\.ts:9:\d+$/)
    expect(await first.locator('.at').innerText()).toMatch(/^9\s*throw new RangeError/)
    expect(await first.locator('.at').isVisible()).toBe(true)
    expect(await page.locator('.frame .place').nth(1).innerText()).toMatch(/^app\.ts:6:\d+$/)
    expect(await page.locator('.folded li').first().isVisible()).toBe(false)
    // The request, without what lets in.
    const request = await page.locator('.request').innerText()
    expect(request).toContain('GET /orders/7?x=')
    expect(request).toContain('of-all')
    expect(await page.content()).not.toContain('of-nobody')
    await page.locator('.request summary').nth(1).click()
    expect(await page.locator('.request').innerText()).toMatch(/PATH_INFO|REQUEST_URI/)
    await developed.changed(directory, { 'total.ts': 'export const total = (): number => 42\n' })
    await page.getByText('42', { exact: true }).waitFor()
    expect(problems).toEqual([])
    expect(foreign).toEqual([])
  })

  it('follows code that does not load until it does', async () => {
    const directory = project({ 'app.js': 'export const application = () => {\n  nothing = = 1\n}\n' })
    const developed = new Developed(directory)
    await developed.until(/^Does not load/m)
    const { page, problems } = await open()
    await page.goto(`${await developed.url()}/`)
    expect(await page.locator('h1').innerText()).toContain('SyntaxError')
    expect(await page.locator('.at').first().innerText()).toMatch(/^2\s*nothing = = 1/)
    await developed.changed(directory, { 'app.js': '\n\nnull.nothing\n' })
    await page.locator('h1', { hasText: 'TypeError' }).waitFor()
    await developed.changed(directory, { 'app.js': application("'mended'") })
    await page.getByText('mended', { exact: true }).waitFor()
    expect(problems).toEqual([])
  })

  it('is dark for those who like that, and does not send a form again by itself', async () => {
    const form = application(
      "environ.REQUEST_METHOD === 'POST' ? nothing : '<form method=post><button>send</button></form>'",
    ).replace('text/plain', 'text/html')
    const directory = project({ 'app.js': form })
    const developed = new Developed(directory, ['app.js', '--https'])
    const url = await developed.ready()
    expect(url).toMatch(/^https:/)
    const { page, problems } = await open('dark')
    await page.goto(`${url}/`)
    await page.locator('button').click()
    await page.waitForSelector('h1')
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(20, 23, 27)')
    await developed.changed(directory, { 'app.js': `${form}\n` })
    await page.waitForSelector('.changed:visible')
    expect(await page.locator('h1').innerText()).toContain('ReferenceError')
    expect(problems).toEqual([])
  })
})
