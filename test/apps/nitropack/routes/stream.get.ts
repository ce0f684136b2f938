import { chunks } from '../../content.mjs'

export default defineEventHandler((event) => {
  setResponseHeader(event, 'Content-Type', 'text/plain')
  return sendIterable(event, chunks())
})
