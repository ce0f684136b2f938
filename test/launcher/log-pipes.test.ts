import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

import type { Logger } from '../../src/interface/logger.ts'
import { fileLogs } from '../../src/launcher/log-files.ts'
import { LogPipes } from '../../src/launcher/log-pipes.ts'
import { requires } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { temporaryDirectory } from './temporary.ts'

const SILENT: Logger = { error() {}, warn() {}, info() {}, debug() {} }

/** The pipes of a server root, and what writes to one of them as a proxy does. */
async function start() {
  const root = temporaryDirectory()
  const [access, error] = [join(root, 'access.log'), join(root, 'error.log')]
  const logs = fileLogs({ access: { file: access }, notice: undefined }, error)
  const runningPath = join(root, 'httpd.conf.running')
  mkdirSync(runningPath)
  const pipes = await LogPipes.make({ runningPath }, logs, SILENT)
  const writer = (name: string): ((text: string) => void) => {
    const fd = openSync(join(runningPath, name), 'a')
    onTestFinished(() => closeSync(fd))
    return (text) => void writeSync(fd, text)
  }
  onTestFinished(async () => {
    await pipes.close()
    logs.close()
  })
  return { pipes, access, error, writeAccess: writer('access.pipe'), writeError: writer('error.pipe') }
}

requires('mkfifo').describe('the pipes of a proxy that cannot open its logs anew', () => {
  it('write whole lines to the files, also those that come in pieces', async () => {
    const { access, error, writeAccess, writeError } = await start()
    writeAccess('GET /a\nGET /')
    writeError('[core:notice] é\n')
    await until(() => readFileSync(access, 'utf8') !== '' && readFileSync(error, 'utf8') !== '', 'the first lines')
    expect(readFileSync(access, 'utf8')).toBe('GET /a\n')
    expect(readFileSync(error, 'utf8')).toBe('[core:notice] é\n')
    writeAccess('b\n')
    await until(() => readFileSync(access, 'utf8') === 'GET /a\nGET /b\n', 'the rest of the line')
  })

  it('write what came before a file was moved away to that one, and what comes after to a new one', async () => {
    const { pipes, access, writeAccess } = await start()
    renameSync(access, `${access}.1`)
    writeAccess('before\n')
    pipes.reopen()
    writeAccess('after\n')
    await until(() => readFileSync(access, 'utf8') === 'after\n', 'the new file')
    expect(readFileSync(`${access}.1`, 'utf8')).toBe('before\n')
  })

  it('have the last words of a proxy that has ended in the last lines', async () => {
    const { pipes, writeError } = await start()
    writeError('its last word\n')
    expect(pipes.logs.lastLines()).toEqual(['its last word'])
  })

  it('write what has no end when they close', async () => {
    const { pipes, access, writeAccess } = await start()
    writeAccess('torn')
    await pipes.close()
    expect(readFileSync(access, 'utf8')).toBe('torn\n')
  })
})
