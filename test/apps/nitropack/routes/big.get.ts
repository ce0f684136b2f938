import { Readable } from 'node:stream'
import { big } from '../../content.mjs'

export default defineEventHandler((event) => {
  setResponseHeader(event, 'Content-Type', 'application/octet-stream')
  return sendStream(event, Readable.from(big(Number(getQuery(event).bytes)), { objectMode: false }))
})
