/** A word as a POSIX shell reads it back: nothing in single quotes has a meaning, and a single quote cannot be among them. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** A command line that can be copied into a shell. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}
