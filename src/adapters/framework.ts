import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'

/** Which of Node's kinds of application a value is. By its methods, not by class: an application brings its own copy of its framework. */
export type NodeFramework = 'express' | 'fastify' | 'koa' | 'nest' | 'router' | 'server' | 'listener'

/** A Node application as a server that need not listen, and how it is told that its process ends. */
export interface NodeApplication {
  readonly server: Server
  readonly close?: () => Promise<void>
}

/** What a value can do decides what it is; undefined: nothing that serves requests. A plain function is a `listener`. */
export function frameworkOf(value: unknown): NodeFramework | undefined {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined
  const has = (...methods: string[]): boolean => methods.every((method) => typeof Reflect.get(value, method) === 'function')
  if (has('getHttpAdapter', 'init')) return 'nest'
  if (has('routing', 'ready', 'inject')) return 'fastify'
  if (has('callback', 'use', 'createContext')) return 'koa'
  if (has('listen', 'address', 'emit', 'getConnections')) return 'server'
  if (typeof value !== 'function') return undefined
  if (!has('handle', 'use')) return 'listener'
  return has('listen') ? 'express' : 'router'
}

/**
 * Makes ready what a module exports: an Express, Connect, Fastify, Koa or Nest application, a `node:http` server, or a
 * `(req, res)` function. Rejects with what the framework throws while it gets ready.
 */
export async function nodeApplication(value: unknown): Promise<NodeApplication> {
  // `frameworkOf` has looked at the methods that are used here.
  switch (frameworkOf(value)) {
    case 'nest': {
      const app = value as { init(): Promise<unknown>; getHttpServer(): Server; close(): Promise<void> }
      await app.init()
      return { server: app.getHttpServer(), close: () => app.close() }
    }
    case 'fastify': {
      const app = value as { ready(): PromiseLike<unknown>; server: Server; close(): Promise<void> }
      await app.ready()
      return { server: app.server, close: () => app.close() }
    }
    case 'koa':
      return { server: createServer(koaListener(value as KoaApplication)) }
    case 'server':
      return { server: value as Server }
    case 'router':
      return { server: createServer(routerListener(value as Router)) }
    case 'express':
    case 'listener':
    case undefined:
      return { server: createServer(value as RequestListener) }
  }
}

/** Whether a server serves the very application that a module exports. Of Koa's only its callback is known, never whose it is. */
export function servesApplication(server: Server, value: unknown): boolean {
  switch (frameworkOf(value)) {
    case 'nest':
      return (value as { getHttpServer(): unknown }).getHttpServer() === server
    case 'fastify':
      return (value as { server: unknown }).server === server
    case 'koa':
      return true
    default:
      return value === server || server.listeners('request').includes(value as RequestListener)
  }
}

type Router = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/** A router of Express hands on what it has no route for, and its errors; alone it has nobody to hand them to. */
function routerListener(router: Router): (request: IncomingMessage, response: ServerResponse) => unknown {
  return (request, response) =>
    new Promise<void>((resolve, reject) => {
      router(request, response, (error) => {
        if (error !== undefined && error !== null && error !== 'router') {
          reject(error instanceof Error ? error : new Error('the router failed', { cause: error }))
          return
        }
        response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Not Found\n')
        resolve()
      })
    })
}

interface KoaApplication {
  callback(): RequestListener
  createContext(request: IncomingMessage, response: ServerResponse): { originalUrl: string; request: { originalUrl: string } }
}

/** Koa takes `originalUrl` from `url`, and so loses the mount point that Express and Connect are told by `originalUrl`. */
function koaListener(app: KoaApplication): RequestListener {
  const listener = app.callback()
  const createContext = app.createContext.bind(app)
  app.createContext = (request, response) => {
    const context = createContext(request, response)
    const { originalUrl } = request as IncomingMessage & { originalUrl?: string }
    if (originalUrl !== undefined) context.originalUrl = context.request.originalUrl = originalUrl
    return context
  }
  return listener
}
