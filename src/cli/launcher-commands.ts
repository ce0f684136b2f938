import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'

import { quote, TsgiError } from '../interface/errors.ts'
import { styled, wantsColour } from '../launcher/terminal-colour.ts'
import { addSettings } from '../settings/settings-options.ts'
import { readSettings } from '../settings/settings-read.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { withoutControlSocket } from './ctl.ts'
import { addCommand } from './run-program.ts'
import { withSettings } from './with-settings.ts'

// Each command imports what it does when it is called: the start of a server pays for none of the others.

/** The argument of every command that is about an application. */
export const APP_HELP = 'path[:export] of the application (default: app in tsgi.config.ts, else wsgi.ts or wsgi.js here)'

type Read = ReadSettings<'start-server'>

/** A command with all the options of start-server. Its action and further arguments are still to be added. */
export function addLauncherCommand(program: Command, name: string, description: string): Command {
  return addSettings(addCommand(program, name, description), 'start-server').addOption(withoutControlSocket())
}

/** `setup-server`. */
export function addSetUpCommand(program: Command, check: (read: Read) => Promise<readonly string[]>): void {
  addLauncherCommand(program, 'setup-server', 'Write what start-server would, and a control script; start nothing')
    .argument('[APP]', APP_HELP)
    .action(async (app: string | undefined, options: Record<string, unknown>) => {
      process.exitCode = await withSettings('start-server', app, options, { start: setUp, check })
    })
}

async function setUp(read: Read): Promise<number> {
  const { setUpServer } = await import('../launcher/set-up-server.ts')
  const text = await setUpServer(read, {
    args: process.argv.slice(process.argv.indexOf('setup-server') + 1),
    environment: process.env,
    directory: process.cwd(),
    ...commands(),
  })
  process.stdout.write(text)
  return 0
}

/** `explain`. */
export function addExplainCommand(program: Command): void {
  addLauncherCommand(program, 'explain', 'Print the configuration that start-server would write, with the cause of each line')
    .argument('[APP]', APP_HELP)
    .option('--json', 'Print JSON')
    .action(async (app: string | undefined, { json, ...options }: Record<string, unknown>) => {
      const { explain, explanationText } = await import('../launcher/explain.ts')
      const found = await explain(await settingsOf(app, options))
      process.stdout.write(
        json === true ? `${JSON.stringify(found, undefined, 2)}\n` : explanationText(found, wantsColour(process.stdout)),
      )
    })
}

/** `diff`. */
export function addDiffCommand(program: Command): void {
  addLauncherCommand(program, 'diff', 'Print what start-server would change in the configuration in --server-root')
    .argument('[APP]', APP_HELP)
    .addHelpText('after', '\nExit code 0: nothing; 1: what is printed, or the message on standard error; 2: wrong options.')
    .action(async (app: string | undefined, options: Record<string, unknown>) => {
      const { compareConfiguration } = await import('../launcher/compare-configuration.ts')
      const text = await compareConfiguration(await settingsOf(app, options))
      process.stdout.write(wantsColour(process.stdout) ? colouredDiff(text) : text)
      process.exitCode = text === '' ? 0 : 1
    })
}

/** `eject`. */
export function addEjectCommand(program: Command): void {
  addLauncherCommand(program, 'eject', 'Print files to keep, for a server without the launcher')
    .argument('<TARGET>', 'nginx, apache, systemd, compose, swarm or kubernetes')
    .argument('[APP]', APP_HELP)
    .option('--output <DIR>', 'Directory for the files, which are never overwritten (default: standard output)')
    .option('--name <NAME>', "Name of the files, the units and nginx's upstreams (default: that of the current directory)")
    .option('--behind-proxy', 'With systemd: tsgi serve on a socket, for a proxy that runs already, in place of start-server')
    .option('--replicas <N>', 'For containers: so many of the application, behind TCP (default: one, behind a shared socket)')
    .option('--affinity <COOKIE>', 'With --replicas: clients with this cookie stay with one of them')
    .option('--namespace <NAME>', 'Of Kubernetes (default: default)')
    .action(
      async (
        target: string,
        app: string | undefined,
        { output, name, behindProxy, replicas, affinity, namespace, ...options }: Record<string, unknown>,
      ) => {
        const { eject, filesText, siteName, writeFiles } = await import('../launcher/eject.ts')
        const directory = process.cwd()
        const files = await eject(target, await settingsOf(app, options), {
          name: siteName(typeof name === 'string' ? name : undefined, directory),
          behindProxy: behindProxy === true,
          ...(replicas === undefined ? {} : { replicas: replicaCount(replicas) }),
          ...(typeof affinity === 'string' ? { affinity } : {}),
          ...(typeof namespace === 'string' ? { namespace } : {}),
          directory,
          ...commands(),
        })
        process.stdout.write(
          typeof output === 'string'
            ? writeFiles(files, output)
                .map((path) => `${path}\n`)
                .join('')
            : filesText(files),
        )
      },
    )
}

/** `doctor`. */
export function addDoctorCommand(program: Command): void {
  addLauncherCommand(program, 'doctor', 'Look for what breaks such set-ups, and print how to mend it')
    .argument('[APP]', APP_HELP)
    .option('--json', 'Print JSON')
    .addHelpText('after', '\nThe application is loaded once, in a worker. Exit code 1: something fails.')
    .action(async (app: string | undefined, { json, ...options }: Record<string, unknown>) => {
      const { diagnosisText, examine } = await import('../launcher/doctor/doctor.ts')
      const directory = process.cwd()
      const args = process.argv.slice(process.argv.indexOf('doctor') + 1).filter((word) => word !== '--json')
      const found = await examine({ command: 'start-server', app, options, environment: process.env, directory }, args)
      process.stdout.write(
        json === true ? `${JSON.stringify(found, undefined, 2)}\n` : diagnosisText(found, wantsColour(process.stdout)),
      )
      process.exitCode = found.some(({ status }) => status === 'fail') ? 1 : 0
    })
}

/** Throws `TSGI_ERR_OPTION`. */
function replicaCount(given: unknown): number {
  const count = Number(given)
  if (Number.isInteger(count) && count >= 1 && count <= 100) return count
  throw new TsgiError('TSGI_ERR_OPTION', `--replicas is ${quote(given)}, but takes a number from 1 to 100`)
}

/** Our commands, as another process starts them. */
function commands(): { launcher: string[]; server: string[] } {
  const node = [process.execPath, ...process.execArgv]
  const beside = fileURLToPath(new URL('.', import.meta.url))
  return { launcher: [...node, join(beside, 'tsgi-express.js')], server: [...node, join(beside, 'tsgi.js')] }
}

function colouredDiff(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.startsWith('-') ? styled('red', line, true) : line.startsWith('+') ? styled('green', line, true) : line))
    .join('\n')
}

function settingsOf(app: string | undefined, options: Record<string, unknown>): Promise<Read> {
  return readSettings({ command: 'start-server', app, options, environment: process.env, directory: process.cwd() })
}
