/** GET /exit ends the worker that gets it after a while, /slow takes its time. */
export const application = async (environ, startResponse) => {
  if (environ.PATH_INFO === '/exit') setTimeout(() => process.exit(7), 200)
  if (environ.PATH_INFO === '/exit') return new Promise(() => {})
  if (environ.PATH_INFO === '/slow') await new Promise((resolve) => setTimeout(resolve, 60_000))
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return 'fine'
}
