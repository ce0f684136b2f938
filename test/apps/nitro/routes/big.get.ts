import { defineHandler, getQuery } from 'nitro/h3'
import { big } from '../../content.mjs'

export default defineHandler((event) => {
  event.res.headers.set('Content-Type', 'application/octet-stream')
  return ReadableStream.from(big(Number(getQuery(event).bytes)))
})
