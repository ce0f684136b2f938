import type { ReadSettings } from '../settings/settings-read.ts'
import { configurationKey, flagName } from '../settings/setting-names.ts'
import { shownSetting } from '../settings/settings-print.ts'
import { SETTINGS } from '../settings/settings-table.ts'
import type { AnySetting } from '../settings/settings-rows.ts'
import { configurationOf } from './configuration.ts'
import { blueprint } from './survey.ts'
import { styled } from './terminal-colour.ts'

/** An option as it holds. */
export interface ExplainedOption {
  /** Without dashes. */
  readonly option: string
  readonly value: unknown
  /** The same for a person. */
  readonly shown: string
  /** `command line`, the variable, the file's name, or `default`. */
  readonly source: string
}

export interface Explanation {
  /** undefined: nothing stands in front, so that nothing is generated. */
  readonly file: string | undefined
  readonly lines: readonly { readonly text: string; readonly cause?: ExplainedOption }[]
  /** Options that somebody gave and that no line comes from: the workers and the launcher are told. */
  readonly elsewhere: readonly ExplainedOption[]
}

/** Widest text that causes are aligned behind, characters. */
const MAX_COLUMN = 64

/** What a start would write, line by line with its causes; writes nothing. Rejects with what a start would say. */
export async function explain(read: ReadSettings<'start-server'>): Promise<Explanation> {
  const sources = await blueprint(read)
  const options = new Map(read.resolved.map((setting) => [setting.key as string, optionOf(setting)]))
  const lines = sources.proxy === undefined ? [] : configurationOf(sources, sources.proxy).lines
  // Apache's configuration tells the option in a comment of its own, which stands before the line.
  const told = lines.filter(({ text, option }) => option === undefined || text.trim() !== `# --${option}`)
  const caused = told.map(({ text, option }) => {
    const cause = option === undefined ? undefined : options.get(configurationKey(option))
    return cause === undefined ? { text } : { text, cause }
  })
  const used = new Set(caused.flatMap(({ cause }) => (cause === undefined ? [] : [cause.option])))
  const elsewhere = read.resolved
    .filter(({ key, source }) => source !== 'default' && (SETTINGS[key] as AnySetting).notInFile !== true)
    .map(optionOf)
    .filter(({ option }) => !used.has(option))
  return { file: sources.proxy === undefined ? undefined : sources.root.configurationPath, lines: caused, elsewhere }
}

function optionOf(setting: ReadSettings<'start-server'>['resolved'][number]): ExplainedOption {
  const { value, text } = shownSetting(setting)
  return { option: flagName(setting.key), value, shown: text, source: setting.source }
}

/** The explanation for a person. `colour`: with ANSI styles, what somebody gave in another than what is so by default. */
export function explanationText({ file, lines, elsewhere }: Explanation, colour: boolean): string {
  const column = Math.min(MAX_COLUMN, Math.max(0, ...lines.map(({ text }) => text.length)))
  const style = (option: ExplainedOption, text: string): string =>
    styled(option.source === 'default' ? 'dim' : 'cyan', text, colour)
  const shown = [
    file === undefined ? '# Nothing stands in front of the workers: there is no configuration' : `# ${file}`,
    ...lines.map(({ text, cause }) =>
      cause === undefined ? text : `${text.padEnd(column)}  ${style(cause, `# ${describe(cause)}`)}`,
    ),
    ...(elsewhere.length === 0 ? [] : ['', '# Given, and in no line above: told to the workers or to the launcher']),
    ...elsewhere.map((option) => style(option, `# ${describe(option)}`)),
  ]
  return shown.map((line) => `${line}\n`).join('')
}

function describe({ option, shown, source }: ExplainedOption): string {
  return `--${option} ${shown} (${source})`
}
