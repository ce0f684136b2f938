import { defineHandler, setCookie } from 'nitro/h3'

export default defineHandler((event) => {
  setCookie(event, 'first', 'one', { httpOnly: true })
  setCookie(event, 'second', 'two words', { sameSite: 'lax', maxAge: 3600, path: '/cookies' })
  return 'cookies\n'
})
