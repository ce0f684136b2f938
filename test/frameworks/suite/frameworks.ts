import type { Case } from './case.ts'
import { contractCases, listenerCases } from './cases/index.ts'
import type { SuiteOptions } from './run.ts'

/** An application of the suite, and what it is asked. */
export interface Framework extends SuiteOptions {
  readonly cases: readonly Case[]
}

/** The one that needs nothing but Node. */
export const LISTENER: Framework = {
  name: 'Node (req, res)',
  app: 'listener/app.mjs',
  whole: true,
  cases: [...contractCases, ...listenerCases],
}

export const FRAMEWORKS: readonly Framework[] = [
  { name: 'Express 4', app: 'express4/app.js', whole: true, cases: contractCases },
  { name: 'Express 5', app: 'express5/app.js', whole: true, cases: contractCases },
  { name: 'Fastify', app: 'fastify/export.js', whole: false, cases: contractCases },
  { name: 'Koa', app: 'koa/app.js', whole: false, cases: contractCases },
  { name: 'NestJS', app: 'nest/src/export.ts', whole: false, cases: contractCases },
  { name: 'Next.js', app: 'next/server.js', whole: false, cases: contractCases },
  { name: 'Hono', app: 'hono/server.ts', whole: false, cases: contractCases },
  { name: 'Hono, fetch', app: 'hono/app.ts', reference: 'hono/server.ts', whole: false, cases: contractCases },
  { name: 'h3', app: 'h3/node.js', whole: false, cases: contractCases },
  { name: 'h3, fetch', app: 'h3/app.js', reference: 'h3/server.js', whole: false, cases: contractCases },
  { name: 'h3 v1', app: 'h3-v1/node.js', whole: false, cases: contractCases },
  { name: 'Nitro', app: 'nitro/.output/node-server/server/index.mjs', whole: false, cases: contractCases },
  { name: 'Nitro v2', app: 'nitropack/.output/node-server/server/index.mjs', whole: false, cases: contractCases },
]
