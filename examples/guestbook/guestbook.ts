// A guest book with pictures, kept in a database, or in a file on Node 20.
//
//   GUESTBOOK=/var/lib/guestbook tsgi-express start-server examples/guestbook/guestbook.ts --limit-request-body 3MB --processes 4
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Lifespan } from 'tsgi'
import { abort, Map as UrlMap, redirect, Response, Rule, sendFromDirectory } from 'tsgi/toolkit'
import type { FileStorage, Request } from 'tsgi/toolkit'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { openStore } from './store.ts'
import type { Entry, Store } from './store.ts'

const DIRECTORY = resolve(process.env.GUESTBOOK ?? 'guestbook-data')
const PICTURES = join(DIRECTORY, 'pictures')
const ENTRIES_OF_PAGE = 50
const MAX_NAME = 80
const MAX_MESSAGE = 2000

let store: Store

export const lifespan: Lifespan = {
  startup() {
    mkdirSync(PICTURES, { recursive: true })
    store = openStore(DIRECTORY)
  },
  shutdown() {
    store.close()
  },
}

const map = new UrlMap([
  new Rule('/', { methods: ['GET'], endpoint: show }),
  new Rule('/', { methods: ['POST'], endpoint: sign }),
  new Rule('/pictures/<name>', { methods: ['GET'], endpoint: picture }),
])

// What is over a limit is refused before it is read: 413.
export const application = map.application({
  maxContentLength: 3_000_000,
  maxFileSize: 2_000_000,
  maxFormMemorySize: 20_000,
  maxFormParts: 10,
})

/** Takes an entry, and leads back to the page, so that loading it again sends nothing twice. */
async function sign(request: Request): Promise<Response> {
  if (!isFromHere(request)) abort(403, 'Sign the book on its own page.')
  const form = await request.form()
  const name = form.get('name', '').trim()
  // Forms send lines as they are in mail; the length that browsers see to is that with one character for each.
  const message = form.get('message', '').replaceAll('\r\n', '\n').trim()
  if (name === '' || name.length > MAX_NAME)
    return page(request, { name, message, problem: `A name has 1 to ${MAX_NAME} characters.` })
  if (message === '' || message.length > MAX_MESSAGE)
    return page(request, { name, message, problem: `A message has 1 to ${MAX_MESSAGE} characters.` })
  const file = (await request.files()).get('picture')
  let picture: string | null = null
  // Browsers send a file without a name where none was chosen.
  if (file !== undefined && file.filename !== '') {
    const kind = await kindOf(file)
    if (kind === undefined) return page(request, { name, message, problem: 'A picture is a PNG, a JPEG, a GIF or a WebP.' })
    // A name of our own: nothing of what the client calls it comes to the disk.
    picture = `${randomUUID()}.${kind}`
    await file.save(join(PICTURES, picture), { overwrite: false })
  }
  await store.add({ name, message, picture, at: Date.now() })
  return redirect(`${request.scriptRoot}/`, 303)
}

/** Forms on pages of other sites make browsers send requests, too (CSRF): browsers say so. */
function isFromHere(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  // Browsers that do not say that, and all over plain HTTP. What is no browser says neither, and has nobody's cookies.
  const { origin } = request
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === request.host)
}

/** What a picture is by its first bytes, whatever its name and type say. */
async function kindOf(file: FileStorage): Promise<string | undefined> {
  const head = Buffer.from(await file.bytes()).toString('latin1', 0, 12)
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (head.startsWith('\xff\xd8\xff')) return 'jpg'
  if (/^GIF8[79]a/.test(head)) return 'gif'
  return /^RIFF[^]{4}WEBP/.test(head) ? 'webp' : undefined
}

async function picture(request: Request, { name }: { name: string }): Promise<Response> {
  const response = await sendFromDirectory(request, PICTURES, name, { maxAge: 31_536_000 })
  // It is a picture and nothing else, also for who opens it by itself.
  response.headers.set('X-Content-Type-Options', 'nosniff')
  response.contentSecurityPolicy.set('default-src', "'none'").set('sandbox')
  return response
}

function show(request: Request): Promise<Response> {
  return page(request)
}

interface Draft {
  readonly name: string
  readonly message: string
  readonly problem: string
}

async function page(request: Request, draft?: Draft): Promise<Response> {
  const nonce = randomUUID()
  const body = document(nonce, request.scriptRoot, await store.latest(ENTRIES_OF_PAGE), draft)
  const response = new Response(`<!doctype html>\n${body.text}`, {
    status: draft === undefined ? 200 : 422,
    mimetype: 'text/html',
  })
  response.contentSecurityPolicy
    .set('default-src', "'none'")
    .set('img-src', "'self'", 'data:')
    .set('style-src', `'nonce-${nonce}'`)
    .set('form-action', "'self'")
    .set('base-uri', "'none'")
    .set('frame-ancestors', "'none'")
  response.headers.set('X-Content-Type-Options', 'nosniff')
  response.cacheControl.noStore = true
  return response
}

function document(nonce: string, root: string, entries: readonly Entry[], draft: Draft | undefined): Html {
  return html`<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest book</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">
  :root { color-scheme: light dark }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 2rem 1rem }
  form, article { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; padding: 1rem; margin: 1rem 0 }
  label { display: block; margin-bottom: .75rem }
  input:not([type=file]), textarea { display: block; box-sizing: border-box; width: 100%; font: inherit; padding: .4rem }
  article p { white-space: pre-wrap; overflow-wrap: anywhere }
  img { max-width: 100% }
  [role=alert] { color: #c0392b; font-weight: 600 }
</style>
<h1>Guest book</h1>
<form method="post" action="${root}/" enctype="multipart/form-data">
  ${draft === undefined ? null : html`<p role="alert">${draft.problem}</p>`}
  <label>Name <input name="name" maxlength="${MAX_NAME}" required value="${draft?.name ?? ''}"></label>
  <label>Message <textarea name="message" rows="4" maxlength="${MAX_MESSAGE}" required>
${draft?.message ?? ''}</textarea></label>
  <label>Picture <input type="file" name="picture" accept="image/png, image/jpeg, image/gif, image/webp"></label>
  <button>Sign</button>
</form>
${entries.map(
  ({ name, message, picture, at }) => html`<article>
  <b>${name}</b> <time datetime="${new Date(at).toISOString()}">${new Date(at).toISOString().slice(0, 10)}</time>
  <p>${message}</p>
  ${picture === null ? null : html`<img src="${root}/pictures/${picture}" alt="picture of ${name}" loading="lazy">`}
</article>
`,
)}
</html>
`
}
