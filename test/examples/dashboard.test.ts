import { expect, it, onTestFinished } from 'vitest'

import { open } from '../support/browser.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { Launched } from '../launcher/launched.ts'
import { example, serveExample } from './served-example.ts'

const OFTEN = { DASHBOARD_MS: '20' }

interface Sample {
  readonly load: number
  readonly memory: number
  readonly busy: number
  readonly viewers: number
}

/** A stream of events, read until the test ends. */
async function listen(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ response: Response; events: [id: number, Sample][]; leave: () => void }> {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  const response = await fetch(`${url}/events`, { headers, signal: leaving.signal })
  const events: [number, Sample][] = []
  const read = async (): Promise<void> => {
    let text = ''
    // A stream of a response can be iterated in Node, which its type does not show.
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString()
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(part) ?? []
        if (data !== undefined) events.push([Number(id), JSON.parse(data) as Sample])
      }
    }
  }
  read().catch(() => {})
  return { response, events, leave: () => leaving.abort() }
}

requires('dist').describe('the dashboard', () => {
  it('sends what it measures, goes on where a viewer has left off, and counts viewers', async () => {
    const { url } = await serveExample('dashboard.ts', { env: OFTEN })
    const first = await listen(url)
    expect(first.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    await until(() => first.events.length > 5, 'some events')
    const [, sample] = first.events.at(-1) ?? []
    expect(sample).toMatchObject({ load: expect.any(Number), viewers: 1 })
    expect(sample?.memory).toBeGreaterThan(0)
    expect(sample?.memory).toBeLessThan(1)
    const ids = first.events.map(([id]) => id)
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b))
    first.leave()
    const lastSeen = ids[2] ?? 0
    const second = await listen(url, { 'Last-Event-ID': String(lastSeen) })
    await until(() => second.events.length > 3, 'the events since')
    expect(second.events.slice(0, 3).map(([id]) => id)).toEqual(ids.slice(3, 6))
    const third = await listen(url)
    await until(() => third.events.at(-1)?.[1].viewers === 2, 'two viewers')
    third.leave()
    await until(() => second.events.at(-1)?.[1].viewers === 1, 'the viewer that has left')
  })

  it('says when too many are looking', async () => {
    const { url } = await serveExample('dashboard.ts', { env: OFTEN })
    const all = await Promise.all(Array.from({ length: 200 }, () => listen(url)))
    const refused = await fetch(`${url}/events`)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('30')
    all[0]?.leave()
    await until(() => all[1]?.events.at(-1)?.[1].viewers === 199, 'a place')
    expect((await listen(url)).response.status).toBe(200)
  })
})

requires('nginx', 'dist', 'proc').test('the dashboard sends events at once through nginx', async () => {
  const launched = new Launched(['start-server', example('dashboard.ts'), '--port', '0', '--server-type', 'nginx'], {
    env: OFTEN,
  })
  const url = (await launched.ready()).replace(/\/$/, '')
  const { events } = await listen(url)
  await until(() => events.length > 3, 'events')
})

requires('dist', 'chromium', 'full').test('the dashboard draws in a browser', async () => {
  const { url } = await serveExample('dashboard.ts', { env: OFTEN })
  const { page, problems, foreign } = await open()
  await page.goto(url)
  await page.locator('#memory output', { hasText: /^[\d.]+ %$/ }).waitFor()
  await page.waitForFunction("document.querySelector('#load polyline').getAttribute('points').split(' ').length > 10")
  expect(await page.locator('#state').innerText()).toBe('live')
  expect(problems).toEqual([])
  expect(foreign).toEqual([])
})
