import type { FailureReport, ReportedError } from './failure-report.ts'
import { masked } from './masked-request.ts'
import type { Frame } from './stack-frames.ts'

/** The report for a terminal: what `curl` gets. */
export function textReport({ status, title, errors, advice, request }: FailureReport): string {
  const lines = [`${status} ${title}`, '']
  for (const [index, error] of errors.entries()) {
    lines.push(`${index === 0 ? '' : `${error.relation} `}${error.name}: ${error.message}`)
    lines.push(...frameLines(error.frames), '')
  }
  if (advice !== undefined) lines.push(advice, '')
  if (request !== undefined) lines.push(`${request.method} ${request.target}`, '')
  return lines.map(withoutControls).join('\n')
}

/** Node's and this server's own frames are a line that counts them. */
function frameLines(frames: readonly Frame[]): string[] {
  const lines: string[] = []
  let hidden = 0
  const end = (): void => {
    if (hidden > 0) lines.push(`    … ${hidden} of Node and tsgi`)
    hidden = 0
  }
  for (const { text, owner } of frames) {
    if (owner === 'node' || owner === 'tsgi') {
      hidden += 1
      continue
    }
    end()
    lines.push(`    at ${text}`)
  }
  end()
  return lines
}

/** The report for programs. */
export function jsonReport({ status, title, errors, advice, request }: FailureReport): string {
  const shown = ({ name, message, relation, frames }: ReportedError): object => ({
    name,
    message,
    relation,
    frames: frames.map(({ functionName, file, line, column, owner }) => ({ functionName, file, line, column, owner })),
  })
  return `${JSON.stringify(
    {
      status,
      title,
      errors: errors.map(shown),
      ...(advice === undefined ? {} : { advice }),
      ...(request === undefined
        ? {}
        : { request: { method: request.method, target: request.target, headers: masked(request.headers) } }),
    },
    undefined,
    2,
  )}\n`
}

/** A terminal must not be moved about by what an error quotes. */
function withoutControls(line: string): string {
  return line.replace(
    /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
