/** GET /slow takes its time. */
export const application = async (environ, startResponse) => {
  if (environ.PATH_INFO === '/slow') await new Promise((resolve) => setTimeout(resolve, 60_000))
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return 'fine'
}
