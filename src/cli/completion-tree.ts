import type { Command } from 'commander'

import { configurationKey } from '../settings/setting-names.ts'
import { allRows } from '../settings/settings-rows.ts'

/** What can be typed behind the name of a program. */
export interface CompletionTree {
  /** `tsgi-express` */
  readonly program: string
  readonly commands: readonly CompletedCommand[]
}

export interface CompletedCommand {
  readonly name: string
  readonly description: string
  readonly options: readonly CompletedOption[]
  /** Words that its first argument can be; empty: a file. */
  readonly words: readonly string[]
}

export interface CompletedOption {
  /** With its dashes. */
  readonly flag: string
  /** One line. */
  readonly description: string
  /** What stands for its value in the help; undefined: it takes none. */
  readonly placeholder: string | undefined
  /** Words that its value can be; empty: any, as often as not a file. */
  readonly words: readonly string[]
}

/** Everything that the help of a program shows. `words`: of the first argument of commands, where that is no file. */
export function completionTree(program: Command, words: Readonly<Record<string, readonly string[]>>): CompletionTree {
  const choices = new Map(allRows().map(([key, { kind }]) => [key as string, wordsIn(kind.writtenAs)]))
  return {
    program: program.name(),
    commands: program.commands.map((command) => ({
      name: command.name(),
      description: oneLine(command.description()),
      options: [
        ...command.options.flatMap(({ long, description, hidden, flags }): CompletedOption[] => {
          if (hidden || long === undefined || long === null) return []
          const placeholder = /[<[](.*)[>\]]/.exec(flags)?.[1]
          const known = placeholder === undefined ? undefined : choices.get(configurationKey(long.replace(/^--/, '')))
          return [{ flag: long, description: oneLine(description), placeholder, words: known ?? [] }]
        }),
        { flag: '--help', description: 'Print this help', placeholder: undefined, words: [] },
      ],
      words: words[command.name()] ?? [],
    })),
  }
}

/** The words in `'auto' | 'nginx' | number`. */
function wordsIn(writtenAs = ''): string[] {
  return [...writtenAs.matchAll(/'([\w-]+)'/g)].flatMap((match) => match[1] ?? [])
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
