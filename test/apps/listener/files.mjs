import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { extname, join } from 'node:path'

const ROOT = fileURLToPath(new URL('../public', import.meta.url))
const TYPES = {
  '.html': 'text/html',
  '.txt': 'text/plain',
  '.json': 'application/json',
  '.css': 'text/css',
  '.js': 'text/javascript',
}

/** A file of `public`, with one range of it, and with what a client has already. */
export async function sendFile(req, res, url) {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.writeHead(405, { Allow: 'GET, HEAD' }).end()
    return
  }
  const path = decodedPath(url.pathname.slice('/static'.length))
  const file = path === undefined || /(?:^|\/)\./.test(path) ? undefined : join(ROOT, path)
  const stats = file === undefined ? undefined : await stat(file).catch(() => undefined)
  if (!stats?.isFile()) {
    res.writeHead(404).end('no such file\n')
    return
  }
  const etag = `"${stats.size.toString(16)}-${Math.floor(stats.mtimeMs).toString(16)}"`
  res.setHeader('Accept-Ranges', 'bytes')
  res.setHeader('ETag', etag)
  res.setHeader('Last-Modified', stats.mtime.toUTCString())
  res.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream')
  if (isFresh(req, etag, stats.mtime)) {
    res.writeHead(304).end()
    return
  }
  const range = rangeOf(req, etag, stats.size)
  if (range === 'unsatisfiable') {
    res.writeHead(416, { 'Content-Range': `bytes */${stats.size}` }).end()
    return
  }
  const { start, end } = range ?? { start: 0, end: stats.size - 1 }
  if (range !== undefined) {
    res.statusCode = 206
    res.setHeader('Content-Range', `bytes ${start}-${end}/${stats.size}`)
  }
  res.setHeader('Content-Length', end - start + 1)
  if (req.method === 'HEAD' || stats.size === 0) res.end()
  else pipeline(createReadStream(file, { start, end }), res, () => {})
}

function decodedPath(path) {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function isFresh(req, etag, modified) {
  const known = req.headers['if-none-match']
  if (known !== undefined) return known === '*' || known.split(', ').includes(etag)
  const since = Date.parse(req.headers['if-modified-since'] ?? '')
  return !Number.isNaN(since) && Math.floor(modified.getTime() / 1000) * 1000 <= since
}

function rangeOf(req, etag, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(req.headers.range ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const condition = req.headers['if-range']
  if (condition !== undefined && condition !== etag) return undefined
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]))
  return start > end ? 'unsatisfiable' : { start, end }
}
