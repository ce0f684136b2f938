import { Command, CommanderError } from 'commander'

import { TsgiError } from '../interface/errors.ts'
import { errorLines } from '../process/log.ts'
import { packageVersion } from '../process/package-version.ts'

/** 0: stopped as it was asked to. 1: it could not start, or ended by itself. 2: the settings are wrong. */
const EXIT_RUNTIME = 1
const EXIT_USAGE = 2

/** Errors that are mended in the settings: on the command line, in the environment or in the configuration file. */
const USAGE_ERRORS: ReadonlySet<string> = new Set(['TSGI_ERR_OPTION', 'TSGI_ERR_CONFIG', 'TSGI_ERR_BIND_INVALID', 'TSGI_ERR_CGI'])

/** A program with `--version` and `--help`, whose commands are still to be added. */
export function createProgram(name: string, description: string): Command {
  return (
    new Command(name)
      .description(description)
      .version(packageVersion(), '--version', 'Print the version')
      .helpOption('--help', 'Print this help')
      .helpCommand(false)
      // `report` says it, as it says everything else.
      .configureOutput({ outputError: () => {} })
      .exitOverride()
  )
}

/** Adds a command whose action resolves to the exit code. */
export function addCommand(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).helpOption('--help', 'Print this help').exitOverride()
}

/** Runs the command line and exits the process. Errors are one clear message on standard error. */
export async function runProgram(program: Command): Promise<never> {
  // A reader that has gone, such as `head`, or a terminal that was closed must not end the server.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    await program.parseAsync()
  } catch (error) {
    process.exitCode = report(program.name(), error)
  }
  // Nothing is left to do; what still holds the event loop, such as a timer of a dependency, must not hold the exit.
  process.exit()
}

/** Flags that fingers know from Gunicorn and pm2, and what to write here. */
const FOREIGN_FLAGS: Readonly<Record<string, string>> = {
  '-w': 'write --workers N',
  '-i': 'write --workers N, or --workers auto for one on each processor',
  '--instances': 'write --workers N, or --workers auto for one on each processor',
  '-b': 'write --bind ADDR with tsgi serve, --host and --port with tsgi-express',
  '-t': 'write --heartbeat-timeout TIME for workers that are stuck, --request-timeout TIME for one request',
  '--timeout': 'write --heartbeat-timeout TIME for workers that are stuck, --request-timeout TIME for one request',
  '-c': 'write --config FILE',
  '-u': 'write --user USER',
  '-g': 'write --group GROUP',
  '-p': 'write --pid-file FILE; a port is --bind HOST:PORT with tsgi serve, --port with tsgi-express',
  '-e': 'write --setenv NAME VALUE',
  '--env': 'write --setenv NAME VALUE',
  '-k': 'every worker is an event loop: leave it out',
  '--worker-class': 'every worker is an event loop: leave it out',
  '--threads': 'every worker serves many requests at a time: leave it out, or limit them with --worker-concurrency N',
  '-D': 'it stays in the foreground: tsgi-express setup-server writes a control script, eject systemd a unit',
  '--daemon': 'it stays in the foreground: tsgi-express setup-server writes a control script, eject systemd a unit',
  '--watch': 'tsgi dev does it by itself; with tsgi-express write --reload-on-changes',
  '--reload': 'tsgi dev does it by itself; with tsgi-express write --reload-on-changes',
}

/** Says what went wrong and gives the exit code. */
function report(name: string, error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // Help in place of a missing command is there already, and says it all.
    return error.code === 'commander.help' ? EXIT_USAGE : report(name, asOptionError(error))
  }
  process.stderr.write(`${name}: ${errorLines(error).join('\n')}\n`)
  return error instanceof TsgiError && USAGE_ERRORS.has(error.code) ? EXIT_USAGE : EXIT_RUNTIME
}

/** commander's `error: unknown option '--prot'`, with its suggestion in a second line, as an error of ours. */
function asOptionError(error: CommanderError): TsgiError {
  const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  const flag = /^unknown option '(--[\w-]+|-\w)/.exec(message)?.[1]
  const hint = flag === undefined ? undefined : FOREIGN_FLAGS[flag]
  return new TsgiError('TSGI_ERR_OPTION', hint === undefined ? message : `${message}; ${hint}`)
}
