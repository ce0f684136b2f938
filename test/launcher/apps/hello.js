console.log('hello is loaded')

export const application = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return `${environ.SCRIPT_NAME}|${environ.PATH_INFO}|${environ.HTTP_HOST}|${environ.SERVER_SOFTWARE}|${process.env.GREETING}|${process.pid}`
}
