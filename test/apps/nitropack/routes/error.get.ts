export default defineEventHandler(() => {
  throw createError({ statusCode: 503, message: 'failed on purpose' })
})
