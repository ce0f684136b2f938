import { bodies } from './bodies.mjs'
import { contract, contractPrefixes } from './contract.mjs'
import { events } from './events.mjs'
import { sendFile } from './files.mjs'
import { connectionHeads, heads } from './heads.mjs'
import { refusals } from './refusals.mjs'
import { requests } from './requests.mjs'

const ROUTES = { ...contract, ...heads, ...connectionHeads, ...bodies, ...requests, ...refusals, ...events }
const PREFIXES = { ...contractPrefixes, '/static/': sendFile }

/** An application with no framework: what Node has, and nothing else. */
export default function listener(req, res) {
  let url
  try {
    // A path such as `//x` must not be taken for a host.
    url = new URL(`http://localhost${req.url}`)
  } catch {
    res.writeHead(400).end('no target\n')
    return
  }
  // A second way to the same routes, for a proxy that is told to treat it otherwise.
  const path = url.pathname.replace(/^\/live\//, '/')
  const route = ROUTES[path] ?? Object.entries(PREFIXES).find(([prefix]) => path.startsWith(prefix))?.[1]
  if (req.method === 'OPTIONS' && route !== contract['/echo']) {
    res.writeHead(204, { Allow: 'GET, HEAD, POST, OPTIONS' }).end()
    return
  }
  if (route === undefined) {
    res.writeHead(404, { 'Content-Type': 'text/plain' }).end('nothing here\n')
    return
  }
  Promise.resolve(route(req, res, url)).catch(() => {
    // What a handler fails with reaches the client as the end of its connection.
    res.destroy()
  })
}
