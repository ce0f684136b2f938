import { toWebHandler } from 'h3'
import { app } from './app.js'

const handler = toWebHandler(app)

export default { fetch: (request) => handler(request) }
