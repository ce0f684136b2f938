import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'

import { checkPort } from '../../src/launcher/port-check.ts'
import { requires } from '../support/requirements.ts'

/** Something that holds a port until the test ends. */
async function holdPort(): Promise<number> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

describe('the port check', () => {
  it('gives the addresses of the host, and a free port for 0', async () => {
    const addresses = await checkPort('127.0.0.1', 0)
    expect(addresses).toEqual([{ host: '127.0.0.1', port: expect.any(Number) }])
    expect(addresses[0]?.port).toBeGreaterThan(0)
  })

  it('leaves the port free', async () => {
    const [first] = await checkPort('127.0.0.1', 0)
    expect(await checkPort('127.0.0.1', first?.port ?? 0)).toEqual([first])
  })

  it('gives one port for every address of a name', async () => {
    const addresses = await checkPort('localhost', 0)
    expect(addresses.map(({ host }) => host)).toContain('127.0.0.1')
    expect(new Set(addresses.map(({ port }) => port)).size).toBe(1)
  })

  it('says what to do about a port in use', async () => {
    const port = await holdPort()
    await expect(checkPort('127.0.0.1', port)).rejects.toMatchObject({
      code: 'TSGI_ERR_ADDRESS_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    // Every address is this one, too.
    await expect(checkPort('0.0.0.0', port)).rejects.toMatchObject({ code: 'TSGI_ERR_ADDRESS_IN_USE' })
  })

  requires('proc').test('says who holds it', async () => {
    await expect(checkPort('127.0.0.1', await holdPort())).rejects.toThrow(`pid ${process.pid} `)
  })

  it('says so when the host is not here, or nowhere', async () => {
    // TEST-NET-1 (RFC 5737) and a name that never resolves (RFC 6761).
    await expect(checkPort('192.0.2.1', 0)).rejects.toMatchObject({
      code: 'TSGI_ERR_LISTEN',
      message: expect.stringContaining('not an address of this machine'),
    })
    await expect(checkPort('nowhere.invalid', 0)).rejects.toMatchObject({
      code: 'TSGI_ERR_LISTEN',
      message: expect.stringContaining('has no address'),
    })
  })
})
