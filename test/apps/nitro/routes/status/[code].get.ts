import { defineHandler, getRouterParam } from 'nitro/h3'

export default defineHandler((event) => {
  const code = Number(getRouterParam(event, 'code'))
  event.res.status = code
  return [204, 205, 304].includes(code) ? null : `status ${code}\n`
})
