import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { attach } from '../../src/index.ts'
import type { AttachOptions } from '../../src/index.ts'
import { until } from '../support/until.ts'

/** A listener on a TCP port that speaks HTTP, and a connection to it. */
async function connected(
  listener: Parameters<typeof createServer>[1],
  options: Omit<AttachOptions, 'bind'> = {},
): Promise<{ socket: Socket; received: () => string }> {
  const server = await attach(createServer(listener), { bind: '127.0.0.1:0', ...options })
  onTestFinished(() => server.close())
  const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece))
  socket.on('error', () => {})
  await once(socket, 'connect')
  return { socket, received: () => text }
}

it('a client cannot say who it is by destroying the connection that it has pipelined on', async () => {
  const seen: (string | undefined)[] = []
  const { socket } = await connected((request) => {
    seen.push(request.socket.remoteAddress)
    request.socket.destroy()
  })
  const forged = 'X-Forwarded-For: 127.9.9.9\r\nX-Forwarded-Proto: https\r\n'
  socket.write(`GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n${forged}\r\n`)
  await once(socket, 'close')
  expect(seen[0]).toBe('127.0.0.1')
  expect(seen).not.toContain('127.9.9.9')
})

it('a body over the limit fails nothing but its own request', async () => {
  const thrown: unknown[] = []
  const { socket, received } = await connected(
    (request, response) => {
      request.resume()
      setImmediate(() => {
        try {
          response.writeHead(200)
          response.end('late')
        } catch (error) {
          thrown.push(error)
        }
      })
    },
    { maxRequestBodyBytes: 1000 },
  )
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  socket.write(`1000\r\n${'x'.repeat(4096)}\r\n0\r\n\r\n`)
  await until(() => socket.closed, 'the end of the connection')
  expect(received()).toMatch(/^HTTP\/1\.1 (?:413 Content Too Large|200 OK)\r\n/)
  expect(thrown).toEqual([])
})

it('a body over the limit is seen behind a thousand header fields', async () => {
  const { socket, received } = await connected((_request, response) => void response.end('taken'), { maxRequestBodyBytes: 1000 })
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${'a:b\r\n'.repeat(1001)}Content-Length: 200000\r\n\r\n`)
  await until(() => received().includes('\r\n\r\n'), 'an answer')
  expect(received()).toMatch(/^HTTP\/1\.1 4(?:13|31) /)
})
