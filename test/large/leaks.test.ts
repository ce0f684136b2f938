import { Agent, request } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startNginx, type RunningNginx } from '../support/nginx.ts'
import { requires } from '../support/requirements.ts'
import { serveBuilt, type ServedApp } from './served-app.ts'

const REQUESTS = 100_000

/** What the heap of the worker may have grown by, bytes. */
const GROWTH_BYTES = 5_000_000

/** Requests under way at a time. */
const AT_ONCE = 32

const PATIENCE_MS = 300_000

type Kind = 'small' | 'upload' | 'aborted response' | 'aborted upload'

/** The mix: of every fifty requests, five upload and five are left by their client half-way. */
function kindOf(index: number): Kind {
  switch (index % 50) {
    case 7:
    case 17:
    case 27:
    case 37:
    case 47:
      return 'upload'
    case 9:
    case 29:
    case 49:
      return 'aborted response'
    case 19:
    case 39:
      return 'aborted upload'
    default:
      return 'small'
  }
}

for (const application of ['mixed-node.ts', 'mixed-fetch.ts']) {
  for (const wire of ['fastcgi', 'uwsgi'] as const) {
    requires('full', 'nginx', 'dist').describe(`${REQUESTS} requests of ${application} through nginx over ${wire}`, () => {
      let app: ServedApp
      let nginx: RunningNginx
      const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
      // Bytes that nginx passes on as they come, so that an upload can be broken off in the application.
      const upload = Buffer.alloc(40_000, 'u')

      beforeAll(async () => {
        app = await serveBuilt(`test/fixtures/apps/${application}`)
        nginx = await startNginx({ wire, socketPath: app.socketPath, requestBuffering: false, buffering: false })
      })
      afterAll(async () => {
        agent.destroy()
        await nginx.stop()
        await app.stop()
      })

      /** Resolves with the answer's text; undefined where the request was left. */
      function send(kind: Kind, path?: string): Promise<string | undefined> {
        const paths = { small: '/', upload: '/upload', 'aborted response': '/endless', 'aborted upload': '/upload' }
        const isUpload = kind === 'upload' || kind === 'aborted upload'
        return new Promise((resolve, reject) => {
          const outgoing = request({
            agent,
            port: nginx.port,
            host: '127.0.0.1',
            path: path ?? paths[kind],
            method: isUpload ? 'POST' : 'GET',
            headers: isUpload ? { 'Content-Length': upload.length } : {},
          })
          const leave = (): void => {
            outgoing.removeAllListeners('error').on('error', () => {})
            outgoing.destroy()
            resolve(undefined)
          }
          outgoing.on('error', reject)
          outgoing.on('response', (response) => {
            if (kind === 'aborted response') {
              response.once('data', leave)
              return
            }
            let text = ''
            response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
            response.on('end', () =>
              response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`)),
            )
          })
          if (kind === 'aborted upload') outgoing.write(upload.subarray(0, 20_000), () => setImmediate(leave))
          else outgoing.end(isUpload ? upload : undefined)
        })
      }

      async function sendMany(count: number): Promise<void> {
        let next = 0
        const lane = async (): Promise<void> => {
          while (next < count) {
            const kind = kindOf(next++)
            const text = await send(kind)
            if (kind === 'small') expect(text).toBe('hello\n')
            if (kind === 'upload') expect(text).toBe(String(upload.length))
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, lane))
      }

      async function heap(): Promise<{ heapBytes: number; warnings: string[] }> {
        return JSON.parse((await send('small', '/heap')) ?? '') as { heapBytes: number; warnings: string[] }
      }

      it(
        'leave the heap as it was, and cause no warning',
        async () => {
          // Caches fill, code is compiled.
          await sendMany(2000)
          const before = await heap()
          await sendMany(REQUESTS)
          const after = await heap()
          expect(after.warnings).toEqual([])
          expect(after.heapBytes - before.heapBytes).toBeLessThan(GROWTH_BYTES)
        },
        PATIENCE_MS,
      )
    })
  }
}
