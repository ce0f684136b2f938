import { shellWord } from '../launcher/shell-words.ts'
import type { CompletedCommand, CompletedOption, CompletionTree } from './completion-tree.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** The script that teaches a shell what can be typed. */
export function completionScript(shell: Shell, tree: CompletionTree): string {
  switch (shell) {
    case 'bash':
      return bash(tree)
    case 'zsh':
      return zsh(tree)
    case 'fish':
      return fish(tree)
  }
}

/** For the version that macOS has, too: 3.2. Where nothing is offered, bash offers files. */
function bash({ program, commands }: CompletionTree): string {
  const name = functionName(program)
  const offer = (words: readonly string[]): string => `COMPREPLY=($(compgen -W ${shellWord(words.join(' '))} -- "$cur"))`
  const values = commands.flatMap((command) =>
    command.options.flatMap((option) =>
      option.words.length === 0 ? [] : [`  ${shellWord(`${command.name} ${option.flag}`)}) ${offer(option.words)}; return ;;`],
    ),
  )
  return `# ${program}: completion for bash. In ~/.bashrc: source <(${program} completion bash)
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${offer([...commands.map((each) => each.name), '--help', '--version'])}
    return
  fi
  case "$command $prev" in
${values.join('\n')}
  esac
  case "$cur" in
  -*)
    case "$command" in
${commands.map((each) => `    ${each.name}) ${offer(each.options.map(({ flag }) => flag))} ;;`).join('\n')}
    esac
    return ;;
  esac
  [ "$COMP_CWORD" -eq 2 ] || return
  case "$command" in
${commands.flatMap((each) => (each.words.length === 0 ? [] : [`  ${each.name}) ${offer(each.words)} ;;`])).join('\n')}
  esac
}
complete -o default -F ${name} ${program}
`
}

function zsh({ program, commands }: CompletionTree): string {
  const name = functionName(program)
  // In a specification of _arguments, these end a part.
  const escaped = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&')
  const value = ({ placeholder, words }: CompletedOption): string => {
    if (placeholder === undefined) return ''
    return `:${escaped(placeholder)}:${words.length === 0 ? '_files' : `(${words.join(' ')})`}`
  }
  const specification = (option: CompletedOption): string =>
    `'${quoted(`*${option.flag}[${escaped(option.description)}]${value(option)}`)}'`
  const argument = ({ words }: CompletedCommand): string =>
    words.length === 0 ? `'*:file:_files'` : `'1: :(${words.join(' ')})' '*:file:_files'`
  return `#compdef ${program}
# ${program}: completion for zsh. Keep it as _${program} in a directory of $fpath, or in ~/.zshrc: source <(${program} completion zsh)
${name}() {
  local -a commands
  commands=(
${commands.map((each) => `    '${quoted(`${each.name}:${escaped(each.description)}`)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map((each) => `  ${each.name})\n    _arguments \\\n${[...each.options.map(specification), argument(each)].map((line) => `      ${line}`).join(' \\\n')}\n    ;;`).join('\n')}
  esac
}
if [ "$funcstack[1]" = ${shellWord(`_${program}`)} ]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`
}

function fish({ program, commands }: CompletionTree): string {
  const word = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`
  const line = (...parts: string[]): string => ['complete', '-c', program, ...parts].join(' ')
  return `${[
    `# ${program}: completion for fish. Keep it as ~/.config/fish/completions/${program}.fish`,
    ...commands.map((each) => line('-n', '__fish_use_subcommand', '-f', '-a', each.name, '-d', word(each.description))),
    ...commands.flatMap((each) => {
      const here = ['-n', word(`__fish_seen_subcommand_from ${each.name}`)]
      return [
        ...(each.words.length === 0 ? [] : [line(...here, '-f', '-a', word(each.words.join(' ')))]),
        ...each.options.map(({ flag, description, placeholder, words }) =>
          line(
            ...here,
            '-l',
            flag.slice(2),
            ...(placeholder === undefined ? [] : words.length === 0 ? ['-r'] : ['-x', '-a', word(words.join(' '))]),
            '-d',
            word(description),
          ),
        ),
      ]
    }),
  ].join('\n')}\n`
}

function functionName(program: string): string {
  return `_${program.replaceAll('-', '_')}_complete`
}

/** Within single quotes of a shell. */
function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`)
}
