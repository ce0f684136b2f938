import { defineHandler } from 'nitro/h3'

export default defineHandler((event) => {
  event.res.headers.set('Content-Type', 'text/plain; charset=utf-8')
  return 'Hello from Nitro\n'
})
