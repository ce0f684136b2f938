export default defineEventHandler((event) => {
  setCookie(event, 'first', 'one', { httpOnly: true })
  setCookie(event, 'second', 'two words', { sameSite: 'lax', maxAge: 3600, path: '/cookies' })
  return 'cookies\n'
})
