// A page that shows the request as the application sees it.
//
//   tsgi-express start-server examples/wsgi.ts
//   curl 'http://127.0.0.1:8000/caf%C3%A9?x=1'
import type { Application, Environ } from 'tsgi'

export const application: Application = (environ, startResponse) => {
  const wantsHtml = String(environ.HTTP_ACCEPT ?? '').includes('text/html')
  const body = wantsHtml ? page(environ) : text(environ)
  startResponse('200 OK', [
    ['Content-Type', `${wantsHtml ? 'text/html' : 'text/plain'}; charset=utf-8`],
    ['Vary', 'Accept'],
    ['Cache-Control', 'no-store'],
    ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'"],
  ])
  return body
}

/** CGI variables and tsgi.* keys, sorted, as text. */
function rows(environ: Environ): [name: string, value: string][] {
  return Object.entries(environ)
    .map(([name, value]): [string, string] => [name, show(value)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function show(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'function') return `function ${value.name}`
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  if (typeof value === 'object' && value !== null) return `object ${value.constructor.name}`
  return String(value)
}

function text(environ: Environ): string {
  const shown = rows(environ)
  const width = Math.max(...shown.map(([name]) => name.length))
  return `Hello from ${environ.PATH_INFO}\n\n${shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')}\n`
}

function escape(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function table(title: string, shown: [string, string][]): string {
  const lines = shown.map(
    ([name, value]) => `<tr><th scope="row">${escape(name)}</th><td>${value === '' ? '<i>empty</i>' : escape(value)}</td></tr>`,
  )
  return `<section><h2>${title}</h2><table>${lines.join('\n')}</table></section>`
}

function page(environ: Environ): string {
  const shown = rows(environ)
  const isHeader = ([name]: [string, string]) => name.startsWith('HTTP_')
  const isOurs = ([name]: [string, string]) => name.startsWith('tsgi.')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(`${environ.REQUEST_METHOD} ${environ.PATH_INFO}`)}</title>
<style>
  :root { color-scheme: light dark; --back: #f6f5f1; --card: #fff; --ink: #1f2328; --dim: #646b73; --line: #e3e1da; --accent: #0a6e5c }
  @media (prefers-color-scheme: dark) {
    :root { --back: #14171a; --card: #1c2024; --ink: #e7e9ea; --dim: #98a1a9; --line: #2d3339; --accent: #5fd0b5 }
  }
  * { box-sizing: border-box }
  body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
  main { max-width: 60rem; margin: 0 auto; padding: clamp(1rem, 5vw, 4rem) 1rem }
  h1 { margin: 0 0 .25rem; font-size: clamp(1.6rem, 5vw, 2.6rem); line-height: 1.15; overflow-wrap: anywhere }
  h1 b { color: var(--accent) }
  p { margin: 0 0 2rem; color: var(--dim) }
  section { margin: 0 0 1.5rem; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
  h2 { margin: 0 0 .5rem; font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; color: var(--dim) }
  table { width: 100%; border-collapse: collapse; font: .875rem/1.5 ui-monospace, Menlo, Consolas, monospace }
  th, td { padding: .35rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere }
  tr:first-child > * { border-top: 0 }
  th { width: 15rem; padding-right: 1rem; font-weight: 500; color: var(--accent) }
  i { color: var(--dim) }
  @media (max-width: 36rem) { tr, th, td { display: block; width: auto } td { border-top: 0; padding-top: 0 } }
</style>
</head>
<body>
<main>
<h1><b>${escape(environ.REQUEST_METHOD)}</b> ${escape(environ.PATH_INFO || '/')}</h1>
<p>served by worker ${process.pid} on Node ${process.versions.node}, behind ${escape(String(environ.SERVER_SOFTWARE ?? 'nothing'))}</p>
${table(
  'Request',
  shown.filter((row) => !isHeader(row) && !isOurs(row)),
)}
${table('Headers', shown.filter(isHeader))}
${table('tsgi', shown.filter(isOurs))}
</main>
</body>
</html>
`
}
