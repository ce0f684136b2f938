import { fileURLToPath } from 'node:url'

/** Where this server's own code is: the directory above this one, as stacks write it. */
const OWN_URL = new URL('..', import.meta.url).href
const OWN_PATH = fileURLToPath(OWN_URL)

/**
 * A stack for a reader who wants to know where in the application it was: this server's own frames are one line that counts them.
 * A stack of nothing else, Node's own apart, is left as it is: then it is this server that is to blame.
 */
export function foldOwnFrames(lines: readonly string[]): string[] {
  if (!lines.some((line) => isFrame(line) && !isOwn(line) && !line.includes('node:internal/') && !/\(?node:/.test(line)))
    return [...lines]
  const folded: string[] = []
  let count = 0
  const end = (): void => {
    if (count > 0) folded.push(`    … ${count} frame${count === 1 ? '' : 's'} of tsgi`)
    count = 0
  }
  for (const line of lines) {
    if (isFrame(line) && isOwn(line)) {
      count += 1
      continue
    }
    end()
    folded.push(line)
  }
  end()
  return folded
}

function isFrame(line: string): boolean {
  return /^\s*at /.test(line)
}

function isOwn(line: string): boolean {
  return line.includes(OWN_URL) || line.includes(OWN_PATH)
}
