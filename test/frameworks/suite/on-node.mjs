/** Runs an application on plain `node:http`, on PORT: `node on-node.mjs APP`. One that listens by itself does so. */
import http, { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const host = '127.0.0.1'
const port = Number(process.env.PORT)
const file = resolve(process.argv[2])

let listens = false
const listen = Reflect.get(http.Server.prototype, 'listen')
http.Server.prototype.listen = function (...args) {
  listens = true
  // On one address, so that another server has the port on another.
  const options = typeof args[0] === 'object' ? args[0] : { port: Number(args[0]) }
  return listen.call(this, { ...options, host }, ...args.filter((argument) => typeof argument === 'function'))
}

const module = await import(pathToFileURL(file).href)
const application = await (module.default?.default ?? module.default ?? module.app ?? module.handler)
if (!listens) await serve(application)

async function serve(app) {
  if (app instanceof http.Server) app.listen(port, host)
  // Fastify
  else if (typeof app?.ready === 'function' && typeof app.routing === 'function') await app.listen({ port, host })
  // NestJS
  else if (typeof app?.getHttpAdapter === 'function') await app.listen(port, host)
  // Koa
  else if (typeof app?.callback === 'function') createServer(app.callback()).listen(port, host)
  else if (typeof app?.fetch === 'function') {
    const { serve: serveFetch } = await import(createRequire(file).resolve('@hono/node-server'))
    serveFetch({ fetch: app.fetch, port, hostname: host })
  } else createServer(app).listen(port, host)
}
