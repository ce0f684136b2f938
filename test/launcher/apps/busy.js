/** Says which process it is, after a few milliseconds of work. */
export const application = (environ, startResponse) => {
  const until = performance.now() + 4
  while (performance.now() < until);
  startResponse('200 OK', [['Content-Type', 'text/plain']])
  return String(process.pid)
}
