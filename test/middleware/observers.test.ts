import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Application } from '../../src/index.ts'
import { accessControl, compose, profiler, requestId, timing } from '../../src/middleware/index.ts'
import type { TimedRequest } from '../../src/middleware/index.ts'
import { repeatUntil, until } from '../support/until.ts'
import { reporter, saying, served } from './served.ts'

describe('requestId', () => {
  it('tells the client the id that stands in the log', async () => {
    const { base } = await served(requestId()(reporter('tsgi.request_id')))
    const response = await fetch(base, { headers: { 'X-Request-ID': 'mine' } })
    const { 'tsgi.request_id': id } = (await response.json()) as Record<string, string>
    expect(id).toMatch(/./)
    expect(id).not.toBe('mine')
    expect(response.headers.get('x-request-id')).toBe(id)
  })

  it.each([
    ['abc-1.2:3', 'abc-1.2:3'],
    ['a b', undefined],
    ['x'.repeat(129), undefined],
  ])('where it trusts, makes of %j: %s', async (brought, expected) => {
    const { base } = await served(
      requestId({ trust: true, header: 'X-Trace', generate: () => 'made' })(reporter('tsgi.request_id')),
    )
    const response = await fetch(base, { headers: { 'X-Trace': brought } })
    expect(await response.json()).toEqual({ 'tsgi.request_id': expected ?? 'made' })
    expect(response.headers.get('x-trace')).toBe(expected ?? 'made')
  })
})

describe('accessControl', () => {
  it.each([
    [{}, 200],
    [{ allow: ['127.0.0.0/8'] }, 200],
    [{ allow: ['127.0.0.1', '::1'] }, 200],
    [{ allow: ['10.0.0.0/8'] }, 403],
    [{ allow: [] }, 403],
    [{ deny: ['127.0.0.1'] }, 403],
    [{ allow: ['127.0.0.0/8'], deny: ['127.0.0.1/32'], status: 404 as const }, 404],
  ])('%o answers a client on this machine with %d', async (options, status) => {
    const { base } = await served(accessControl(options)(saying('in')))
    expect((await fetch(base)).status).toBe(status)
  })

  it('knows an IPv4 client that came over IPv6, and lets nobody unknown in', async () => {
    const as =
      (address: string): Application =>
      (environ, startResponse) =>
        accessControl({ allow: ['192.0.2.0/24'] })(saying('in'))({ ...environ, REMOTE_ADDR: address }, startResponse)
    expect((await fetch((await served(as('::ffff:192.0.2.9'))).base)).status).toBe(200)
    expect((await fetch((await served(as(''))).base)).status).toBe(403)
  })

  it.each(['10.0.0.0/33', 'example.org', '10.0.0.0/8/8', '10.0.0.0/'])('refuses the network %s', (network) => {
    expect(() => accessControl({ allow: [network] })).toThrow(expect.objectContaining({ code: 'TSGI_ERR_OPTION' }))
  })
})

describe('timing', () => {
  it('says how long the head took, and tells of the end', async () => {
    const seen: TimedRequest[] = []
    const slow: Application = async (_environ, startResponse) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      startResponse('200 OK', [['Content-Type', 'text/plain']])
      return (async function* () {
        yield 'a'
        await new Promise((resolve) => setTimeout(resolve, 30))
        yield 'b'
      })()
    }
    const { base } = await served(timing({ name: 'db', onRequest: (request) => seen.push(request) })(slow))
    const response = await fetch(base)
    expect(response.headers.get('server-timing')).toMatch(/^db;dur=(2[89]|[3-9]\d|\d{3,})\.\d$/)
    expect(await response.text()).toBe('ab')
    await until(() => seen.length === 1, 'the end of the request')
    expect(seen[0]).toMatchObject({ status: '200 OK' })
    expect(seen[0]?.totalMs).toBeGreaterThan((seen[0]?.headMs ?? 0) + 25)
  })

  it('tells of a failure, and changes nothing of it', async () => {
    const seen: TimedRequest[] = []
    const failing: Application = () => Promise.reject(new Error('broken'))
    const listener = (request: TimedRequest): void => {
      seen.push(request)
      throw new Error('of the listener')
    }
    const { base, errors } = await served(timing({ onRequest: listener })(failing))
    expect((await fetch(base)).status).toBe(500)
    expect(seen).toMatchObject([{ status: undefined }])
    expect(errors.join()).toContain('broken')
    expect(errors.join()).not.toContain('of the listener')
  })
})

describe('compose', () => {
  it('puts the first outermost', async () => {
    const mark =
      (name: string) =>
      (application: Application): Application =>
      (environ, startResponse) => {
        environ.order = `${String(environ.order ?? '')}${name}`
        return application(environ, startResponse)
      }
    const { base } = await served(compose(mark('a'), mark('b'), mark('c'))(reporter('order')))
    expect(await (await fetch(base)).json()).toEqual({ order: 'abc' })
  })
})

describe('profiler', () => {
  function directory(): string {
    const made = mkdtempSync(join(tmpdir(), 'tsgi-profiles-'))
    onTestFinished(() => rmSync(made, { recursive: true, force: true }))
    return join(made, 'profiles')
  }

  function spendsTimeHere(): number {
    const end = performance.now() + 60
    let sum = 0
    while (performance.now() < end) sum += Math.sqrt(sum + 1)
    return sum
  }

  const busy: Application = (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']])
    return `${spendsTimeHere() > 0}`
  }

  it('writes a flame graph that shows where the time went, and the profile', async () => {
    const into = directory()
    const { base } = await served(profiler({ directory: into })(busy))
    expect(await (await fetch(`${base}/<slow>?x=1`)).text()).toBe('true')
    await until(() => list(into).length === 2, 'the two files')
    const [profile = '', picture = ''] = list(into).sort()
    expect(profile).toMatch(/^\d{8}T\d{9}Z-\d+-GET\.slow\.-\d+ms\.cpuprofile$/)
    expect(JSON.parse(readFileSync(join(into, profile), 'utf8'))).toHaveProperty('nodes')
    await until(() => readFileSync(join(into, picture), 'utf8').endsWith('</svg>\n'), 'the whole picture')
    const svg = readFileSync(join(into, picture), 'utf8')
    expect(svg).toContain('spendsTimeHere')
    expect(svg).toContain('GET /&lt;slow&gt;')
    expect(svg).not.toContain('<slow>')
  })

  it('leaves out what is quick or not asked for, and keeps so many', async () => {
    const into = directory()
    const condition = ({ PATH_INFO }: { PATH_INFO: string }): boolean => PATH_INFO !== '/no'
    const { base } = await served(
      profiler({ directory: into, condition, minimumMs: 50, keep: 2 })((environ, startResponse) =>
        (environ.PATH_INFO === '/quick' ? saying('q') : busy)(environ, startResponse),
      ),
    )
    await (await fetch(`${base}/no`)).text()
    await (await fetch(`${base}/quick`)).text()
    for (const number of [1, 2, 3]) {
      // One that comes while the last is still being written is not profiled.
      await repeatUntil(
        async () => (await fetch(`${base}/${number}`)).text(),
        () => list(into).some((file) => file.includes(`GET.${number}-`)),
        'the picture',
      )
    }
    await until(() => list(into).length === 4, 'two pairs')
    expect(list(into).join()).not.toMatch(/GET\.(no|quick|1)-/)
  })

  function list(path: string): string[] {
    try {
      return readdirSync(path)
    } catch {
      return []
    }
  }
})
