import { delay } from '../../content.mjs'

export default defineEventHandler(async (event) => {
  await delay(Number(getQuery(event).ms))
  return 'slow\n'
})
