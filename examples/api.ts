// A JSON API: typed routes, validation, errors as RFC 9457 has them, and changes that nobody makes over another's (ETag, If-Match).
//
//   tsgi-express start-server examples/api.ts
//   curl -i http://127.0.0.1:8000/books -H 'Content-Type: application/json' -d '{"title":"Emma","author":"Jane Austen","year":1815}'
//   curl -i http://127.0.0.1:8000/books/1 -X DELETE -H 'If-Match: "1-1"'
//
// The books are in the memory of one process; a real one has a database. Nothing here goes by cookies, and what changes something is JSON or a method that pages of
// other sites cannot send (CORS): there is nothing to forge.
import type { Middleware } from 'tsgi'
import { abort, checkPreconditions, Map as UrlMap, Response, Rule } from 'tsgi/toolkit'
import type { MapAdapter, Request } from 'tsgi/toolkit'

interface Book {
  readonly title: string
  readonly author: string
  readonly year: number
}

interface Kept {
  readonly id: number
  /** Goes up with each change. */
  readonly version: number
  readonly book: Book
}

/** Who adds without an end fills the memory. */
const MAX_BOOKS = 10_000
const PAGE_LENGTH = 100

const books = new Map<number, Kept>()
let lastId = 0

const map = new UrlMap([
  new Rule('/books', { methods: ['GET'], endpoint: list }),
  new Rule('/books', { methods: ['POST'], endpoint: add }),
  new Rule('/books/<int:id>', { methods: ['GET'], endpoint: show }),
  new Rule('/books/<int:id>', { methods: ['PUT'], endpoint: replace }),
  new Rule('/books/<int:id>', { methods: ['DELETE'], endpoint: remove }),
  new Rule('/books/by/<any(title, author, year):field>', { methods: ['GET'], endpoint: sorted }),
])

/** Errors have the form that the client prefers: this one prefers JSON, whatever it says. */
const speakingJson: Middleware = (inner) => (environ, startResponse) => {
  environ.HTTP_ACCEPT = 'application/problem+json'
  return inner(environ, startResponse)
}

export const application = speakingJson(map.application({ maxContentLength: 100_000 }))

function list(request: Request, _values: object, urls: MapAdapter): Response {
  const after = request.args.get('after', 0, Number)
  const found = [...books.values()].filter(({ id }) => id > after).slice(0, PAGE_LENGTH)
  const last = found.length === PAGE_LENGTH ? found.at(-1) : undefined
  const next = last === undefined ? null : urls.build(list, { after: last.id })
  return conditional(request, Response.json({ books: found.map((kept) => shown(kept, urls)), next }).addEtag())
}

function sorted(request: Request, { field }: { field: keyof Book }, urls: MapAdapter): Response {
  const found = [...books.values()].toSorted((a, b) => (a.book[field] < b.book[field] ? -1 : 1)).slice(0, PAGE_LENGTH)
  return conditional(request, Response.json({ books: found.map((kept) => shown(kept, urls)) }).addEtag())
}

async function add(request: Request, _values: object, urls: MapAdapter): Promise<Response> {
  const book = bookOf(await request.json())
  if (books.size >= MAX_BOOKS) abort(409, 'There is no room for another book.')
  const kept = keep({ id: ++lastId, version: 1, book })
  const response = answer(kept, urls, 201)
  response.location = urls.build(show, { id: kept.id })
  return response
}

function show(request: Request, { id }: { id: number }, urls: MapAdapter): Response {
  return conditional(request, answer(find(id), urls))
}

async function replace(request: Request, { id }: { id: number }, urls: MapAdapter): Promise<Response> {
  const book = bookOf(await request.json())
  // Asked behind the last wait: from here on nobody comes between.
  const { version } = findUnchanged(request, id)
  return answer(keep({ id, version: version + 1, book }), urls)
}

function remove(request: Request, { id }: { id: number }): Response {
  findUnchanged(request, id)
  books.delete(id)
  return new Response(null, { status: 204 })
}

function find(id: number): Kept {
  return books.get(id) ?? abort(404, 'There is no such book.')
}

/** The book, if it is still the one that the client has seen. */
function findUnchanged(request: Request, id: number): Kept {
  const kept = find(id)
  if (!request.headers.has('if-match')) abort(428, 'Say which state of the book you mean: If-Match, with its ETag.')
  if (checkPreconditions(request, { etag: etagOf(kept) }) !== undefined)
    abort(412, 'Somebody has changed the book since you saw it.')
  return kept
}

function keep(kept: Kept): Kept {
  books.set(kept.id, kept)
  return kept
}

function answer(kept: Kept, urls: MapAdapter, status = 200): Response {
  return Response.json(shown(kept, urls), { status }).setEtag(etagOf(kept))
}

/** 304 for who has it already. Caches ask each time. */
function conditional(request: Request, response: Response): Response {
  response.cacheControl.noCache = true
  return response.makeConditional(request)
}

function shown({ id, book }: Kept, urls: MapAdapter): object {
  return { url: urls.build(show, { id }), ...book }
}

function etagOf({ id, version }: Kept): string {
  return `${id}-${version}`
}

/** What a client has sent is a book, or is refused with all that is wrong with it. */
function bookOf(value: unknown): Book {
  const { title, author, year, ...others } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const errors: Record<string, string> = {}
  if (!isText(title)) errors.title = 'is a text of 1 to 200 characters'
  if (!isText(author)) errors.author = 'is a text of 1 to 200 characters'
  if (!isYear(year)) errors.year = 'is a whole number from 1 to 9999'
  for (const name of Object.keys(others).slice(0, 10)) errors[name.slice(0, 80)] = 'is not known'
  if (!isText(title) || !isText(author) || !isYear(year) || Object.keys(errors).length > 0) {
    const problem = { status: 422, title: 'Unprocessable Content', detail: 'This is no book.', errors }
    return abort(Response.json(problem, { status: 422, contentType: 'application/problem+json' }))
  }
  return { title, author, year }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 200
}

function isYear(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 9999
}
