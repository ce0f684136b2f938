import { defineHandler, getQuery } from 'nitro/h3'
import { delay } from '../../content.mjs'

export default defineHandler(async (event) => {
  await delay(Number(getQuery(event).ms))
  return 'slow\n'
})
