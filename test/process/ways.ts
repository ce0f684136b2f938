import { onTestFinished } from 'vitest'
import { startNginx } from '../support/nginx.ts'

/** How a request reaches `tsgi serve`: through nginx by one of the wires, or straight over HTTP. */
export const WAYS = ['http', 'fastcgi', 'uwsgi'] as const

/** What to send requests to, for a server that listens on `socketPath`. */
export async function targetBy(way: (typeof WAYS)[number], socketPath: string): Promise<string> {
  if (way === 'http') return socketPath
  const nginx = await startNginx({ wire: way, socketPath })
  onTestFinished(() => nginx.stop())
  return `127.0.0.1:${nginx.port}`
}
