import { Option } from 'commander'
import type { Command as Program } from 'commander'

import { quote, TsgiError } from '../interface/errors.ts'
import { wantsColour } from '../launcher/terminal-colour.ts'
import { ask, findServer } from '../process/control-client.ts'
import { COMMAND_NAMES, CONTROL_VERSION, readCommand } from '../process/control-protocol.ts'
import type { Command } from '../process/control-protocol.ts'
import { describeResult } from './ctl-output.ts'
import { plain } from './figures.ts'
import { addCommand } from './run-program.ts'
import { addServerChoice, choiceOf } from './server-choice.ts'
import type { ServerFlags } from './server-choice.ts'

const COMMANDS_HELP = `
Commands:
  status              what runs, since when, where, with which settings
  workers             one line for each worker process
  metrics [FORMAT]    what was counted, as prometheus (the default), openmetrics or json
  reload              replaces the workers one after the other; waits, and fails when the new code does not start
  scale N|+N|-N       that many workers, or so many more or fewer
  log-level LEVEL     error, warn, info or debug, at once, until the next start
  reopen-logs         opens log files anew that have been moved away
  upgrade             starts a new master that takes over
  stop [--quick]      stops, and waits for the end; --quick gives requests a second at most

Without --socket and --pid it is the one server that this user runs.`

interface ControlFlags extends ServerFlags {
  readonly json?: true
  readonly quick?: true
}

/** `tsgi ctl`: talks to a running server. */
export function addControlCommand(program: Program): void {
  addServerChoice(addCommand(program, 'ctl', 'Ask or tell a running server something'))
    .argument('<COMMAND>', COMMAND_NAMES.join(', '))
    .argument('[VALUE]', 'of scale, log-level and metrics')
    .option('--json', "Print the server's answer as it came")
    .option('--quick', 'With stop: requests get a second at most')
    .addHelpText('after', COMMANDS_HELP)
    .action(async (command: string, value: string | undefined, flags: ControlFlags) => {
      process.exitCode = await control(commandOf(command, value, flags), flags)
    })
}

/** `--no-control-socket`, for `--control-socket off`. */
export function withoutControlSocket(): Option {
  return new Option('--no-control-socket').hideHelp()
}

/** Resolves to the exit code. */
async function control(command: Command, flags: ControlFlags): Promise<number> {
  const reply = await ask(await findServer(choiceOf(flags)), command)
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(reply.ok ? reply.result : { error: reply.error })}\n`)
  } else if (reply.ok) {
    process.stdout.write(describeResult(command, reply.result, wantsColour(process.stdout)))
  } else {
    const lines = `${reply.error.code} ${reply.error.message}`.split('\n').map(plain)
    process.stderr.write(`tsgi: ${lines.join('\n')}\n`)
  }
  return reply.ok ? 0 : 1
}

/** Throws `TSGI_ERR_OPTION` for what the server would refuse, too. */
function commandOf(name: string, value: string | undefined, { quick }: ControlFlags): Command {
  const command = readCommand({
    tsgi: CONTROL_VERSION,
    command: name,
    ...valueOf(name, value),
    ...(quick === true ? { quick } : {}),
  })
  if (typeof command === 'string') throw new TsgiError('TSGI_ERR_OPTION', command)
  return command
}

function valueOf(name: string, value: string | undefined): object {
  switch (name) {
    case 'scale': {
      const match = /^([+-]?)(\d{1,4})$/.exec(value ?? '')
      if (match === null) {
        throw new TsgiError('TSGI_ERR_OPTION', `scale is given ${quote(value ?? '')}, but takes N, +N or -N`)
      }
      return match[1] === '' ? { workers: Number(value) } : { by: Number(value) }
    }
    case 'log-level':
      return { level: value ?? '' }
    case 'metrics':
      return value === undefined ? {} : { format: value }
    default:
      if (value !== undefined) throw new TsgiError('TSGI_ERR_OPTION', `${name} takes no value, and is given ${quote(value)}`)
      return {}
  }
}
