import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { Launched } from '../launcher/launched.ts'
import { temporaryDirectory } from '../launcher/temporary.ts'
import { open } from '../support/browser.ts'
import { otherNodes, requires } from '../support/requirements.ts'
import { example, serveExample } from './served-example.ts'

/** Two by two pixels. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEUlEQVR4nGP4z8DA8B+MgBgAHfAD/dPQfSYAAAAASUVORK5CYII=',
  'base64',
)

/** How the guest book is asked: one way behind nginx, one by `tsgi serve`. */
interface Book {
  readonly url: string
  readonly directory: string
}

async function behindNginx(): Promise<Book> {
  const directory = join(temporaryDirectory(), 'book')
  const args = ['start-server', example('guestbook/guestbook.ts'), '--port', '0', '--server-type', 'nginx']
  const launched = new Launched([...args, '--processes', '2', '--limit-request-body', '3MB'], { env: { GUESTBOOK: directory } })
  return { url: await launched.ready(), directory }
}

interface Signature {
  readonly name?: string
  readonly message?: string
  readonly picture?: Uint8Array
  readonly filename?: string
  readonly headers?: Record<string, string>
}

function sign(
  { url }: Book,
  { name = 'Ada', message = 'Hello', picture, filename = 'a.png', headers = {} }: Signature,
): Promise<Response> {
  const body = new FormData()
  body.set('name', name)
  body.set('message', message)
  // Browsers send an empty file where none was chosen.
  body.set(
    'picture',
    picture === undefined ? new File([], '') : new File([new Uint8Array(picture)], filename, { type: 'image/png' }),
  )
  return fetch(url, { method: 'POST', body, headers, redirect: 'manual' })
}

async function page({ url }: Book): Promise<string> {
  return (await fetch(url)).text()
}

function pictures({ directory }: Book): string[] {
  return readdirSync(join(directory, 'pictures'))
}

requires('nginx', 'dist', 'proc').describe('the guest book behind nginx', () => {
  it('takes a signature with a picture, and shows both', async () => {
    const book = await behindNginx()
    const signed = await sign(book, { message: 'What a\nlovely <i>book</i>', picture: PNG, filename: '../../etc/x.html' })
    expect(signed.status).toBe(303)
    expect(signed.headers.get('location')).toBe('/')
    const shown = await page(book)
    expect(shown).toContain('<p>What a\nlovely &lt;i&gt;book&lt;/i&gt;</p>')
    const [name = ''] = pictures(book)
    expect(name).toMatch(/^[0-9a-f-]{36}\.png$/)
    expect(shown).toContain(`<img src="/pictures/${name}" alt="picture of Ada"`)
    const picture = await fetch(`${book.url}pictures/${name}`)
    expect(Buffer.from(await picture.arrayBuffer())).toEqual(PNG)
    expect(Object.fromEntries(picture.headers)).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    })
  })

  it('escapes all that guests write', async () => {
    const book = await behindNginx()
    const evil = `"><script>alert(1)</script>'&`
    await sign(book, { name: evil, message: evil, picture: PNG })
    // Shown again with what was written.
    const refused = await sign(book, { name: evil.repeat(5), message: `</textarea>${evil}` })
    expect(refused.status).toBe(422)
    for (const text of [await page(book), await refused.text()]) {
      expect(text).not.toContain('<script')
      expect(text).toContain('&lt;script&gt;')
      expect(text).not.toMatch(/<\/textarea>"/)
    }
  })

  it('keeps every signature of many at a time, the newest first', async () => {
    const book = await behindNginx()
    const answers = await Promise.all(Array.from({ length: 30 }, (_, count) => sign(book, { name: `Guest ${count}.` })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]))
    await sign(book, { name: 'Last' })
    const names = [...(await page(book)).matchAll(/<b>(.*?)<\/b>/g)].map(([, name]) => name)
    expect(names[0]).toBe('Last')
    expect(names.length).toBe(31)
    expect(new Set(names.slice(1))).toEqual(new Set(Array.from({ length: 30 }, (_, count) => `Guest ${count}.`)))
  })

  it('refuses what comes from other sites, what is no picture, and what is too much, and keeps nothing of it', async () => {
    const book = await behindNginx()
    const refused: [number, Signature][] = [
      [403, { headers: { 'Sec-Fetch-Site': 'cross-site' } }],
      [403, { headers: { 'Sec-Fetch-Site': 'same-site' } }],
      [403, { headers: { Origin: 'https://evil.example' } }],
      [403, { headers: { Origin: 'null' } }],
      [422, { name: ' ' }],
      [422, { name: 'x'.repeat(81) }],
      [422, { message: '' }],
      [422, { message: 'x'.repeat(2001) }],
      [422, { picture: Buffer.from('<svg onload="alert(1)"/>'), filename: 'a.png' }],
      [413, { picture: Buffer.concat([PNG, Buffer.alloc(2_000_000)]) }],
      [413, { picture: Buffer.concat([PNG, Buffer.alloc(4_000_000)]) }],
      [413, { message: 'x'.repeat(30_000) }],
    ]
    for (const [status, signature] of refused) {
      const answer = await sign(book, signature)
      expect(answer.status, JSON.stringify(signature).slice(0, 80)).toBe(status)
    }
    expect(await page(book)).not.toContain('<article>')
    expect(pictures(book)).toEqual([])
    expect((await sign(book, { headers: { Origin: new URL(book.url).origin } })).status).toBe(303)
    for (const path of ['..%2fentries.jsonl', '..%2fentries.db', 'none.png', '.']) {
      expect((await fetch(`${book.url}pictures/${path}`)).status, path).toBe(404)
    }
  })
})

describe('what the guest book keeps', () => {
  requires('dist').test('is there after a new start', async () => {
    const directory = join(temporaryDirectory(), 'book')
    const { served, url } = await serveExample('guestbook/guestbook.ts', { env: { GUESTBOOK: directory } })
    await sign({ url, directory }, { name: 'Early' })
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    const again = await serveExample('guestbook/guestbook.ts', { env: { GUESTBOOK: directory } })
    expect(await page({ url: again.url, directory })).toContain('<b>Early</b>')
  })

  for (const node of otherNodes) {
    requires('dist').test(`is a database on ${node}`, async () => {
      const directory = join(temporaryDirectory(), 'book')
      const { url } = await serveExample('guestbook/guestbook.ts', { node, env: { GUESTBOOK: directory } })
      await sign({ url, directory }, { name: "Robert'); DROP TABLE entries; --" })
      await sign({ url, directory }, { name: 'Ada' })
      expect([...(await page({ url, directory })).matchAll(/<b>(.*?)<\/b>/g)].map(([, name]) => name)).toEqual([
        'Ada',
        'Robert&#39;); DROP TABLE entries; --',
      ])
      if (existsSync(join(directory, 'entries.db'))) return
      // Node 20 has none.
      expect(readFileSync(join(directory, 'entries.jsonl'), 'utf8')).toContain('Ada')
    })
  }
})

requires('nginx', 'dist', 'proc', 'chromium', 'full').test('the guest book in a browser', async () => {
  const book = await behindNginx()
  const { page, problems, foreign } = await open()
  await page.goto(book.url)
  await page.getByLabel('Name').fill('Ada <b>')
  await page.getByLabel('Message').fill('From a browser')
  await page.getByLabel('Picture').setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no picture') })
  await page.getByRole('button', { name: 'Sign' }).click()
  await page.getByRole('alert').waitFor()
  // What was written is still there.
  expect(await page.getByLabel('Message').inputValue()).toBe('From a browser')
  await page.getByLabel('Picture').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: PNG })
  await page.getByRole('button', { name: 'Sign' }).click()
  await page.locator('article').waitFor()
  expect(await page.locator('article').innerText()).toMatch(/^Ada <b> \d{4}-\d\d-\d\d\s+From a browser/)
  await page.waitForFunction("document.querySelector('article img').naturalWidth === 2")
  // Styles hold, which the policy could forbid.
  expect(await page.evaluate("getComputedStyle(document.querySelector('article')).borderRadius")).toBe('8px')
  await page.reload()
  expect(await page.locator('article').count()).toBe(1)
  expect(problems).toEqual([])
  expect(foreign).toEqual([])
})
