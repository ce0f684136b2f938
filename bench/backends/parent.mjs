/** What every backend tells the process that measures it: that it listens, and the CPU time it has used so far. */

/** CPU time is user + system of the whole process, microseconds. */
export function reportTo(parent) {
  parent.on('message', (message) => {
    if (message === 'usage') {
      const { user, system } = process.cpuUsage()
      parent.send({ cpuMicroseconds: user + system })
    }
  })
  // The measuring process is gone: nobody else stops this one.
  parent.on('disconnect', () => process.exit())
  parent.send('listening')
}

/** The same answer from every backend. */
export const BODY = 'Hello World\n'
export const HEADERS = [
  ['Content-Type', 'text/plain'],
  ['Content-Length', String(BODY.length)],
]
