import { describe, expect, it } from 'vitest'
import { TsgiError } from '../../src/interface/errors.ts'
import type { LogLevel } from '../../src/interface/logger.ts'
import { createLogger } from '../../src/process/log.ts'

function logged(level: LogLevel, write: (log: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = []
  write(createLogger({ level, write: (line) => void lines.push(line) }))
  return lines
}

/** The line behind time, level and pid. */
function text(line: string | undefined): string {
  const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:error|warn|info|debug) \[\d+\] (.*)$/.exec(line ?? '')
  if (match?.[1] === undefined) throw new Error(`no log line: ${line}`)
  return match[1]
}

describe('the log', () => {
  it('writes time, level, pid and message', () => {
    const [line] = logged('info', (log) => log.info('worker is ready'))
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info \[\d+\] worker is ready$/)
    expect(line).toContain(`[${process.pid}]`)
  })

  it('keeps the message of an error whose text occurs in the line, too', () => {
    const lines = logged('info', (log) => {
      log.error('GET /after failed after its headers', new Error('after'))
      log.error('GET /null failed', null)
    })
    expect(text(lines[0])).toBe('GET /after failed after its headers: after')
    expect(text(lines.at(-1))).toBe('GET /null failed: null')
  })

  it('says once what was tried', () => {
    const broken = new TsgiError('TSGI_ERR_RELOAD', 'the old workers serve on. TSGI_ERR_APP_LOAD a.js: Error: x')
    const [line] = logged('info', (log) => log.error('reload failed', broken))
    expect(text(line)).toBe('TSGI_ERR_RELOAD reload failed: the old workers serve on. TSGI_ERR_APP_LOAD a.js: Error: x')
  })

  it('leaves out what is less severe than its level', () => {
    const all = (log: ReturnType<typeof createLogger>): void => {
      log.error('e')
      log.warn('w')
      log.info('i')
      log.debug('d')
    }
    expect(logged('error', all).map(text)).toEqual(['e'])
    expect(logged('warn', all).map(text)).toEqual(['e', 'w'])
    expect(logged('debug', all).map(text)).toEqual(['e', 'w', 'i', 'd'])
  })

  it('adds code, stack and causes, indented', () => {
    const cause = new RangeError('too far')
    const [first, ...rest] = logged('info', (log) =>
      log.error('request failed', new TsgiError('TSGI_ERR_APPLICATION', 'GET /', { cause })),
    )
    expect(text(first)).toBe('TSGI_ERR_APPLICATION request failed: The application failed: GET /')
    expect(rest[0]).toBe('    caused by RangeError: too far')
    expect(rest[1]).toMatch(/^ {4}at .*log\.test\.ts:\d+:\d+/)
  })

  it('says a message once that the error repeats', () => {
    const [line] = logged('info', (log) => log.error('it failed', new TsgiError('TSGI_ERR_LISTEN', 'x')))
    expect(text(line)).toBe('TSGI_ERR_LISTEN it failed: Cannot listen: x')
    const error = new TsgiError('TSGI_ERR_LISTEN', 'x')
    expect(text(logged('info', (log) => log.error(error.message, error))[0])).toBe('TSGI_ERR_LISTEN Cannot listen: x')
  })

  it('cannot be made to forge a line or to move the cursor', () => {
    const evil = 'one\n2026-11-22T16:25:01.123Z error [1] forged\r\u001b[2J\u2028\u0085end'
    for (const lines of [
      logged('info', (log) => log.warn(evil)),
      logged('info', (log) => log.error('failed', new Error(evil))),
    ]) {
      expect(lines.filter((line) => /^\d/.test(line))).toHaveLength(1)
      expect(lines.join('')).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028\u2029]/)
    }
  })

  it('bounds what one event may write', () => {
    expect(logged('info', (log) => log.error('x\n'.repeat(5000))).length).toBeLessThan(110)
  })

  it('survives errors whose causes run in a circle, and what is no error', () => {
    const error = new Error('round')
    error.cause = error
    expect(logged('info', (log) => log.error('failed', error)).length).toBeLessThan(110)
    expect(text(logged('info', (log) => log.error('failed', undefined))[0])).toBe('failed')
    expect(text(logged('info', (log) => log.error('failed', 42))[0])).toBe('failed: 42')
  })
})
