import type { Command as Program } from 'commander'

import { quote, TsgiError } from '../interface/errors.ts'
import type { Choice } from '../process/control-client.ts'

/** How a command is told which server is meant. */
export interface ServerFlags {
  readonly socket?: string
  readonly pid?: string
}

export function addServerChoice(command: Program): Program {
  return command
    .option('--socket <PATH>', 'Control socket of the server, or a directory of them (default: $TSGI_CONTROL_SOCKET)')
    .option('--pid <PID>', 'Process id of the server')
}

/** Throws `TSGI_ERR_OPTION`. */
export function choiceOf({ socket = process.env['TSGI_CONTROL_SOCKET'], pid }: ServerFlags): Choice {
  if (pid !== undefined && !/^[1-9]\d{0,9}$/.test(pid)) {
    throw new TsgiError('TSGI_ERR_OPTION', `--pid is ${quote(pid)}, but takes a process id`)
  }
  return {
    ...(socket === undefined || socket === '' || socket === 'off' ? {} : { socket }),
    ...(pid === undefined ? {} : { pid: Number(pid) }),
  }
}
