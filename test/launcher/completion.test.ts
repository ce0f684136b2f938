import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { rowsOf } from '../../src/settings/settings-rows.ts'
import { flagName } from '../../src/settings/setting-names.ts'
import { requires } from '../support/requirements.ts'
import { express, run, TSGI, TSGI_EXPRESS } from './commands.ts'
import { temporaryDirectory } from './temporary.ts'

/** What bash offers behind these words, the last of which is not complete. */
function offered(script: string, program: string, ...words: string[]): string[] {
  const all = [program, ...words]
  const asked = `source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
[[ $(complete -p "$1") =~ -F\\ ([^ ]+) ]] && "\${BASH_REMATCH[1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-u', '-c', asked, 'bash', script, ...all], {
    encoding: 'utf8',
  })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout.split('\n').filter((line) => line !== '')
}

async function bashScript(program: string): Promise<string> {
  const path = join(temporaryDirectory(), 'completion.bash')
  const { code, stdout } = await run(process.execPath, [program, 'completion', 'bash'])
  expect(code).toBe(0)
  writeFileSync(path, stdout)
  return path
}

requires('dist', 'bash').describe('completion in bash', () => {
  it('offers commands, options and the values of options of tsgi-express', async () => {
    const script = await bashScript(TSGI_EXPRESS)
    const at = (...words: string[]): string[] => offered(script, 'tsgi-express', ...words)
    expect(at('')).toEqual(
      expect.arrayContaining(['start-server', 'setup-server', 'explain', 'diff', 'eject', 'doctor', 'completion']),
    )
    expect(at('se')).toEqual(['setup-server'])
    expect(at('start-server', '--server-t')).toEqual(['--server-type'])
    expect(at('start-server', 'wsgi.ts', '--server-type', '')).toEqual(['auto', 'nginx', 'apache', 'embedded'])
    expect(at('doctor', '--wire', 'u')).toEqual(['uwsgi'])
    expect(at('eject', '')).toEqual(['nginx', 'apache', 'systemd'])
    expect(at('eject', 'systemd', '--beh')).toEqual(['--behind-proxy'])
    expect(at('completion', 'z')).toEqual(['zsh'])
    // Files are bash's own.
    expect(at('start-server', 'ws')).toEqual([])
    expect(at('start-server', '--include-file', 'x')).toEqual([])
  })

  it('knows every option of the settings', async () => {
    const flags = offered(await bashScript(TSGI_EXPRESS), 'tsgi-express', 'start-server', '--')
    for (const [key, row] of rowsOf('start-server')) {
      expect(
        [`--${flagName(key)}`, ...(row.aliases ?? []).map((alias) => `--${alias}`)].some((flag) => flags.includes(flag)),
        key,
      ).toBe(true)
    }
  })

  it('offers those of tsgi', async () => {
    const script = await bashScript(TSGI)
    expect(offered(script, 'tsgi', 'ctl', 're')).toEqual(['reload', 'reopen-logs'])
    expect(offered(script, 'tsgi', 'serve', '--work')).toContain('--workers')
    expect(offered(script, 'tsgi', 'ch')).toEqual(['check'])
    expect(offered(script, 'tsgi', 'check', '--')).toEqual(expect.arrayContaining(['--path', '--mount-point', '--json']))
    expect(offered(script, 'tsgi', 'check', '--interface', '')).toEqual(['auto', 'tsgi', 'node', 'fetch'])
  })
})

requires('dist').describe('completion', () => {
  it.each(['zsh', 'fish'])('has a script for %s with every command', async (shell) => {
    const { code, stdout } = await express(['completion', shell])
    expect(code).toBe(0)
    for (const command of ['start-server', 'eject', 'doctor']) expect(stdout).toContain(command)
    expect(stdout).toContain('server-type')
  })

  it('refuses another shell', async () => {
    expect(await express(['completion', 'tcsh'])).toMatchObject({ code: 2, stderr: expect.stringContaining('bash, zsh, fish') })
  })
})

describe('the help of the commands', () => {
  const commands = ['setup-server', 'explain', 'diff', 'eject', 'doctor']

  requires('dist').test('is grouped by theme, and a slip gets a suggestion', async () => {
    for (const command of commands) {
      const { code, stdout } = await express([command, '--help'])
      expect(code).toBe(0)
      for (const theme of ['Address', 'HTTPS', 'Files', 'Clients', 'Logging'])
        expect(stdout, command).toMatch(new RegExp(`^${theme}:$`, 'm'))
      const slip = await express([command, 'nginx', '--prot', '1'])
      expect(slip.code).toBe(2)
      expect(slip.stderr).toContain('--port')
    }
  })
})
