import type { Command } from 'commander'

import { quote, TsgiError } from '../interface/errors.ts'
import { completionScript, SHELLS } from './completion-scripts.ts'
import { completionTree } from './completion-tree.ts'
import { addCommand } from './run-program.ts'

/** `completion`: after every other command. `words`: of the first argument of commands, where that is no file. */
export function addCompletionCommand(program: Command, words: Readonly<Record<string, readonly string[]>> = {}): void {
  addCommand(program, 'completion', 'Print the script that completes commands and options in a shell')
    .argument('<SHELL>', SHELLS.join(', '))
    .action((name: string) => {
      const shell = SHELLS.find((each) => each === name)
      if (shell === undefined) {
        throw new TsgiError('TSGI_ERR_OPTION', `completion is given ${quote(name)}, but takes ${SHELLS.join(', ')}`)
      }
      process.stdout.write(completionScript(shell, completionTree(program, { ...words, completion: SHELLS })))
    })
}
