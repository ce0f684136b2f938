import { relative, sep } from 'node:path'

import type { HeaderPair } from '../interface/application.ts'
import { escapeHtml } from './escape-html.ts'
import type { FailureReport, ReportedError } from './failure-report.ts'
import { reloadScript } from './live-reload.ts'
import { masked } from './masked-request.ts'
import { STYLE } from './report-style.ts'
import { textReport } from './report-text.ts'
import { sourceExcerpt } from './source-excerpt.ts'
import type { Frame } from './stack-frames.ts'

/** Frames that are open from the beginning, of the error and of each one behind it, and those whose source is read at all. */
const OPEN_FRAMES = { h1: 2, h2: 1 } as const
const SOURCE_FRAMES = 20

/** The report for a browser. `nonce`: of the style and the script, which nothing else may join. `generation`: see `reloadScript`. */
export function htmlReport(report: FailureReport, { nonce, generation }: { nonce: string; generation: number }): string {
  const { status, title, errors, advice, request } = report
  const [first, ...others] = errors
  const repeatable = request === undefined || request.method === 'GET' || request.method === 'HEAD'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(first === undefined ? title : `${first.name}: ${first.message.split('\n', 1)[0] ?? ''}`)}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<header><p class="what">${status} · ${escapeHtml(title)}</p></header>
<main>
<p class="changed" hidden>The code has changed. Send the request again.</p>
${first === undefined ? '' : errorSection(first, 'h1')}
${advice === undefined ? '' : `<p class="advice">${escapeHtml(advice)}</p>`}
${others.map((error) => errorSection(error, 'h2')).join('\n')}
${request === undefined ? '' : requestSection(request.method, request.target, request.headers, request.variables)}
<h2>As text</h2>
<details class="folded"><summary>To copy</summary><pre class="text">${escapeHtml(textReport(report))}</pre></details>
</main>
<footer>tsgi dev shows this page in place of the application’s answer. It loads anew by itself when the code changes.</footer>
<script nonce="${nonce}">${reloadScript(generation, repeatable)}</script>
</body>
</html>
`
}

function errorSection({ name, message, relation, frames }: ReportedError, heading: 'h1' | 'h2'): string {
  const before = heading === 'h1' ? '' : `<span class="relation">${relation}</span> `
  return `<section class="error">
<${heading}>${before}<span class="name">${escapeHtml(name)}</span> <span class="message">${escapeHtml(message)}</span></${heading}>
${frameList(frames, OPEN_FRAMES[heading])}
</section>`
}

/** The application's frames with their source; those of packages, of Node and of this server folded between them. */
function frameList(frames: readonly Frame[], open: number): string {
  const hasOwn = frames.some(({ owner }) => owner === 'application')
  const html: string[] = []
  let folded: Frame[] = []
  let shown = 0
  const fold = (): void => {
    if (folded.length > 0) html.push(foldedFrames(folded))
    folded = []
  }
  for (const frame of frames) {
    // Where no frame is the application's, a package's say the most.
    if (frame.owner !== 'application' && (hasOwn || frame.owner !== 'dependency')) {
      folded.push(frame)
      continue
    }
    fold()
    shown += 1
    html.push(openFrame(frame, shown <= open, shown <= SOURCE_FRAMES))
  }
  fold()
  return html.join('\n')
}

function openFrame(frame: Frame, open: boolean, withSource: boolean): string {
  const name = frame.functionName === '' ? '' : `${escapeHtml(frame.functionName)} `
  const line = `${name}<span class="place">${escapeHtml(placeOf(frame))}</span>`
  const source = withSource ? sourceOf(frame) : ''
  if (source === '')
    return `<details class="frame"><summary>${line}</summary><p class="plain">Its source is not there.</p></details>`
  return `<details class="frame"${open ? ' open' : ''}><summary>${line}</summary>${source}</details>`
}

function sourceOf({ file, line, column }: Frame): string {
  const excerpt = file === undefined ? undefined : sourceExcerpt(file, line)
  if (excerpt === undefined) return ''
  const lines = excerpt.lines.map((text, index) => {
    const number = excerpt.first + index
    const code = number === line ? marked(text, column) : escapeHtml(text)
    return `<span${number === line ? ' class="at"' : ''}><i>${number}</i>${code || ' '}</span>`
  })
  return `<pre class="code">${lines.join('')}</pre>`
}

/** The word at the column, from 1, marked. */
function marked(text: string, column: number): string {
  if (column < 1 || column > text.length) return escapeHtml(text)
  const rest = text.slice(column - 1)
  const word = /^[\p{ID_Continue}$]+|^./u.exec(rest)?.[0] ?? ''
  return `${escapeHtml(text.slice(0, column - 1))}<mark>${escapeHtml(word)}</mark>${escapeHtml(rest.slice(word.length))}`
}

function foldedFrames(frames: readonly Frame[]): string {
  const names = [...new Set(frames.map(whose))].join(', ')
  const items = frames.map(({ text }) => `<li>${escapeHtml(text)}</li>`).join('')
  const count = `${frames.length} frame${frames.length === 1 ? '' : 's'}`
  return `<details class="folded"><summary>${count} of ${escapeHtml(names)}</summary><ul>${items}</ul></details>`
}

/** `express`, `@scope/name`, `Node`, `tsgi`. */
function whose({ owner, file = '' }: Frame): string {
  if (owner !== 'dependency') return owner === 'tsgi' ? 'tsgi' : 'Node'
  return /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1]?.replace('\\', '/') ?? 'a package'
}

/** From the current directory where that is shorter. */
function placeOf({ file, line, column, text }: Frame): string {
  if (file === undefined) return text
  const fromHere = relative(process.cwd(), file)
  const name = fromHere === '' || fromHere.startsWith(`..${sep}`) ? file : fromHere
  return `${name}:${line}${column === 0 ? '' : `:${column}`}`
}

function requestSection(
  method: string,
  target: string,
  headers: readonly HeaderPair[],
  variables: readonly HeaderPair[],
): string {
  const environ = variables.filter(([name]) => !name.startsWith('HTTP_'))
  return `<section class="request">
<h2>Request</h2>
<details open><summary><span class="place">${escapeHtml(method)} ${escapeHtml(target)}</span></summary>${table(masked(headers))}</details>
${environ.length === 0 ? '' : `<details><summary>Environ, without the headers</summary>${table(masked(environ))}</details>`}
</section>`
}

function table(pairs: readonly HeaderPair[]): string {
  const rows = pairs.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`)
  return `<table>${rows.join('')}</table>`
}
