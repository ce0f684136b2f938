import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { detectApplication, exportsOf } from '../../src/loading/detect-application.ts'
import type { InterfaceChoice, LoadedApplication } from '../../src/loading/detect-application.ts'

const application = (): null => null
const listener = (req: unknown, res: { end(text: string): void }): void => res.end(String(req))
const fetches = { fetch: () => new Response('') }
/** Shaped as an Express application is. */
const express = Object.assign((): void => {}, { handle: () => {}, use: () => {}, set: () => {}, listen: () => {} })
const koa = { callback: () => listener, use: () => {}, createContext: () => {}, middleware: [] }
const fastify = { routing: () => {}, ready: () => {}, inject: () => {} }
const nest = { getHttpAdapter: () => {}, init: () => {} }

function detect(namespace: object, exportName?: string, choice: InterfaceChoice = 'auto'): LoadedApplication {
  return detectApplication(exportsOf(namespace), {
    name: 'wsgi.ts',
    ...(exportName === undefined ? {} : { exportName }),
    interface: choice,
  })
}

describe('finding an application in a module', () => {
  it('takes the export application for TSGI, before anything else', () => {
    const expected = { kind: 'tsgi', application, exportName: 'application', certainty: 'certain' }
    expect(detect({ application })).toEqual(expected)
    expect(detect({ application, default: listener, app: fetches })).toEqual(expected)
  })

  it('finds it in a default export, and in CommonJS of either style', () => {
    const expected = { kind: 'tsgi', application, exportName: 'application', certainty: 'certain' }
    expect(detect({ default: { application } })).toEqual(expected)
    expect(detect({ default: { application }, application, 'module.exports': { application } })).toEqual(expected)
    expect(detect({ default: { __esModule: true, application, default: 1 }, __esModule: true })).toEqual(expected)
  })

  it('finds the default export of a compiled module behind the one that Node adds', () => {
    expect(detect({ default: { __esModule: true, default: fetches } })).toEqual({
      kind: 'fetch',
      application: fetches,
      exportName: 'default',
      certainty: 'certain',
    })
  })

  it('takes the named export', () => {
    expect(detect({ main: application, application: () => null }, 'main')).toEqual({
      kind: 'tsgi',
      application,
      exportName: 'main',
      certainty: 'certain',
    })
    expect(detect({ main: fetches }, 'main').kind).toBe('fetch')
    expect(detect({ app: listener }, 'app').kind).toBe('node')
    expect(detect({ app: application }, 'app', 'tsgi')).toEqual({
      kind: 'tsgi',
      application,
      exportName: 'app',
      certainty: 'certain',
    })
    expect(detect({ main: listener }, 'main', 'node')).toEqual({
      kind: 'node',
      value: listener,
      exportName: 'main',
      certainty: 'certain',
    })
  })

  it('knows fetch applications', () => {
    expect(detect({ default: fetches })).toEqual({
      kind: 'fetch',
      application: fetches,
      exportName: 'default',
      certainty: 'certain',
    })
    expect(detect({ site: fetches }).exportName).toBe('site')
    expect(detect({ fetch: () => new Response('') }).kind).toBe('fetch')
    expect(
      detect({
        default: class {
          static fetch(): void {}
        },
      }).kind,
    ).toBe('fetch')
  })

  it('knows Node applications by what they can do', () => {
    for (const value of [express, koa, fastify, nest, createServer()]) {
      expect(detect({ default: value })).toEqual({ kind: 'node', value, exportName: 'default', certainty: 'certain' })
      expect(detect({ anything: value }).kind).toBe('node')
      expect(detect({ application: value }).kind).toBe('node')
    }
    for (const name of ['default', 'app', 'handler', 'listener', 'middleware'])
      expect(detect({ [name]: listener })).toMatchObject({ kind: 'node', exportName: name })
  })

  it('takes the default export before other names, and one value once', () => {
    const other = { fetch: () => new Response('other') }
    expect(detect({ default: fetches, other }).exportName).toBe('default')
    expect(detect({ app: fetches, site: fetches }).kind).toBe('fetch')
  })

  it('obeys the interface that was asked for', () => {
    expect(detect({ default: application }, undefined, 'tsgi')).toEqual({
      kind: 'tsgi',
      application,
      exportName: 'default',
      certainty: 'certain',
    })
    expect(detect({ application: listener }, undefined, 'node').kind).toBe('node')
    expect(() => detect({ default: fetches }, undefined, 'tsgi')).toThrow(
      /default \(object\).*none of them is an application of the interface tsgi/,
    )
  })

  it('refuses to choose between two, and says what to write', () => {
    expect(() => detect({ app: listener, handler: express })).toThrow(
      expect.objectContaining({
        code: 'TSGI_ERR_APP_AMBIGUOUS',
        message: expect.stringContaining(
          '"wsgi.ts" exports app (node), handler (node). Say which: wsgi.ts:app or wsgi.ts:handler',
        ),
      }),
    )
  })

  it('lists what is there when nothing fits', () => {
    const miss = (namespace: object, exportName?: string): string => {
      try {
        detect(namespace, exportName)
      } catch (error) {
        expect(error).toMatchObject({ code: 'TSGI_ERR_APP_EXPORT' })
        return String(error)
      }
      return ''
    }
    expect(miss({ greet: () => 1, limit: 5, when: new Date(), none: null })).toContain(
      'exports greet (function), limit (number), when (Date), none (null); none of them is an application. Export the application as "application" or "default", name its export as in wsgi.ts:main',
    )
    expect(miss({ application: 5 })).toContain('application (number)')
    expect(miss({ a: application }, 'b')).toContain('there is no export "b"')
    expect(miss({ a: 1 }, 'a')).toContain('"a" is not an application')
    expect(miss(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`x${index}`, 1])))).toContain('and 8 more')
  })
})
