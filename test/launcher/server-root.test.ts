import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import type { Account } from '../../src/launcher/proxy-account.ts'
import { prepareServerRoot } from '../../src/launcher/server-root.ts'
import type { ServerRoot } from '../../src/launcher/server-root.ts'
import { unusableRoot } from '../../src/launcher/unusable-root.ts'
import { requires } from '../support/requirements.ts'
import { temporaryDirectory } from './temporary.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const NGINX = { configurationName: 'nginx.conf', pidName: 'nginx.pid' }

const modeOf = (path: string): number => statSync(path).mode & 0o7777

/** `changes` to: a proxy, no account. */
async function prepare(
  directory: string | undefined,
  changes: { account?: Account; proxy?: undefined } = {},
): Promise<ServerRoot> {
  const root = await prepareServerRoot({ directory, proxy: NGINX, account: undefined, ...changes })
  onTestFinished(() => {
    root.remove()
  })
  return root
}

const refused = (text: string): unknown =>
  expect.objectContaining({ code: 'TSGI_ERR_SERVER_ROOT', message: expect.stringContaining(text) })

describe('a fresh server root', () => {
  it('is private, another one every time, and goes as a whole', async () => {
    const parent = temporaryDirectory()
    vi.stubEnv('TMPDIR', parent)
    const [first, second] = [await prepare(undefined), await prepare(undefined)]
    expect(first.path).not.toBe(second.path)
    expect(modeOf(first.path)).toBe(0o700)
    expect(modeOf(join(first.path, 'temp'))).toBe(0o700)
    writeFileSync(first.errorLogPath, 'x')
    first.remove()
    second.remove()
    expect(readdirSync(parent)).toEqual([])
  })

  it('leaves nothing where its socket would have too long a path', async () => {
    const parent = join(temporaryDirectory(), 'x'.repeat(90))
    mkdirSync(parent)
    vi.stubEnv('TMPDIR', parent)
    await expect(prepare(undefined)).rejects.toMatchObject({ code: 'TSGI_ERR_SOCKET_PATH_TOO_LONG' })
    expect(readdirSync(parent)).toEqual([])
    // Nobody needs the socket without a proxy.
    await prepare(undefined, { proxy: undefined })
  })

  it('is refused where there is no temporary directory', async () => {
    vi.stubEnv('TMPDIR', '/nowhere/at all')
    await expect(prepare(undefined)).rejects.toEqual(refused('/nowhere/at all'))
  })
})

describe('a server root that is named', () => {
  it('is made where it is missing, private', async () => {
    const path = join(temporaryDirectory(), 'a/b')
    const root = await prepare(path)
    expect(root.path).toBe(path)
    expect(modeOf(path)).toBe(0o700)
  })

  it('keeps its mode and its files; socket, pid file and spool go', async () => {
    const path = temporaryDirectory()
    const root = await prepare(path)
    for (const file of [root.socketPath, root.pidPath, root.errorLogPath, root.configurationPath, join(path, 'mine')])
      writeFileSync(file, 'x')
    root.remove()
    expect(readdirSync(path).toSorted()).toEqual(['error.log', 'mine', 'nginx.conf'])
    expect(modeOf(path)).toBe(0o755)
  })

  it('is refused when everyone may write to it', async () => {
    const path = temporaryDirectory()
    chmodSync(path, 0o777)
    await expect(prepare(path)).rejects.toEqual(refused('everyone may write'))
    expect(readdirSync(path)).toEqual([])
  })

  it('is refused when it is a file', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, '')
    await expect(prepare(path)).rejects.toEqual(refused('not a directory'))
  })

  it('is refused while another server runs in it, and taken over once that is gone', async () => {
    const path = temporaryDirectory()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(path, 'tsgi.sock'), resolve))
    await expect(prepare(path)).rejects.toEqual(refused('another server is running'))
    expect(existsSync(join(path, 'tsgi.sock'))).toBe(true)
    await new Promise((resolve) => server.close(resolve))
    await prepare(path)
  })

  it.each(['nginx.conf', 'nginx.conf.next', 'nginx.pid', 'tsgi.sock', 'mount-1.sock'])(
    'is refused where %s is not ours, which stays as it was',
    async (name) => {
      const path = temporaryDirectory()
      writeFileSync(join(path, name), 'mine\n')
      await expect(prepareServerRoot({ directory: path, proxy: NGINX, account: undefined, mounts: 1 })).rejects.toEqual(
        refused(`mv ${join(path, name)} `),
      )
      expect(readdirSync(path)).toEqual([name])
      expect(readFileSync(join(path, name), 'utf8')).toBe('mine\n')
    },
  )

  it('is refused where a folder has the name of the spool, whatever is in it', async () => {
    const path = temporaryDirectory()
    mkdirSync(join(path, 'temp'))
    await expect(prepare(path)).rejects.toEqual(refused('/temp'))
    writeFileSync(join(path, 'nginx.conf'), '# Written by tsgi-express for nginx\n')
    await prepare(path)
    mkdirSync(join(path, 'temp'), { recursive: true })
    writeFileSync(join(path, 'temp/thesis.txt'), '')
    await expect(prepare(path)).rejects.toEqual(refused('/temp'))
    // Without a proxy nobody looks there, and nobody tidies up.
    const root = await prepare(path, { proxy: undefined })
    root.remove()
    expect(existsSync(join(path, 'temp/thesis.txt'))).toBe(true)
  })

  it('is refused for a certificate or a script that would be written over, and only then', async () => {
    const path = temporaryDirectory()
    writeFileSync(join(path, 'certificate.pem'), '-----BEGIN')
    writeFileSync(join(path, 'tsgictl'), '#!/bin/sh\necho mine\n')
    const given = { directory: path, proxy: NGINX, account: undefined }
    await expect(prepareServerRoot({ ...given, chain: true })).rejects.toEqual(refused('certificate.pem'))
    await expect(prepareServerRoot({ ...given, setUp: true })).rejects.toEqual(refused('tsgictl'))
    await prepare(path)
  })

  it('is taken again with what a killed server has left', async () => {
    const path = temporaryDirectory()
    await prepare(path)
    writeFileSync(join(path, 'httpd.conf'), '# Written by tsgi-express for Apache httpd at every start\n')
    for (const name of ['nginx.pid', 'temp/body']) mkdirSync(join(path, name), { recursive: true })
    await prepare(path)
  })

  requires('root').test("is refused when it is somebody else's", async () => {
    const path = temporaryDirectory()
    chownSync(path, 1, 1)
    await expect(prepare(path)).rejects.toEqual(refused('belongs to user 1'))
  })
})

requires('root').describe('a server root for workers of another account', () => {
  const account: Account = { user: 'www-data', uid: 33, group: 'www-data', gid: 33 }

  it("lets the account's group in, and nobody else", async () => {
    vi.stubEnv('TMPDIR', temporaryDirectory())
    const root = await prepare(undefined, { account })
    for (const path of [root.path, join(root.path, 'temp')]) {
      expect(modeOf(path)).toBe(0o750)
      expect(statSync(path).gid).toBe(33)
    }
  })

  it('is refused below a directory that they cannot enter', async () => {
    const parent = temporaryDirectory()
    chmodSync(parent, 0o700)
    vi.stubEnv('TMPDIR', parent)
    await expect(prepare(undefined, { account })).rejects.toEqual(refused(parent))
    expect(readdirSync(parent)).toEqual([])
  })

  it('is not made where they could not enter it', async () => {
    const parent = temporaryDirectory()
    chmodSync(parent, 0o700)
    await expect(prepare(join(parent, 'a/b'), { account })).rejects.toEqual(refused(`not below "${parent}"`))
    expect(readdirSync(parent)).toEqual([])
  })

  it('is made with every directory above it open to them', async () => {
    const path = join(temporaryDirectory(), 'a/b')
    await prepare(path, { account })
    for (const each of [path, dirname(path)]) expect([modeOf(each), statSync(each).gid]).toEqual([0o750, 33])
  })

  it('is refused with the command that lets them in', async () => {
    const path = temporaryDirectory()
    chmodSync(path, 0o700)
    await expect(prepare(path, { account })).rejects.toEqual(refused('chgrp www-data'))
  })
})

describe('a server root on a disk that is full', () => {
  it('is refused with that word and the command that tells which disk', () => {
    const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    expect(unusableRoot('/srv/a b/nginx.conf', error)).toMatchObject({
      code: 'TSGI_ERR_SERVER_ROOT',
      message: expect.stringContaining("the disk is full (ENOSPC); `df -h '/srv/a b'` tells which"),
    })
  })
})

describe('a server root where no directory can be made', () => {
  const proc = requires('proc')

  proc.test('is refused, at once', async () => {
    await expect(prepareServerRoot({ directory: '/proc/tsgi/root', proxy: NGINX, account: undefined })).rejects.toEqual(
      refused('/proc/tsgi/root'),
    )
  })
})
