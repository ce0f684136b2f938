export default defineEventHandler((event) => {
  const code = Number(getRouterParam(event, 'code'))
  setResponseStatus(event, code)
  return [204, 205, 304].includes(code) ? null : `status ${code}\n`
})
