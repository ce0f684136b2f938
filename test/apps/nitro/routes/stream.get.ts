import { defineHandler, iterable } from 'nitro/h3'
import { chunks } from '../../content.mjs'

export default defineHandler((event) => {
  event.res.headers.set('Content-Type', 'text/plain')
  return iterable(chunks())
})
