import { finished, addAbortSignal } from 'node:stream'
import { AsyncLocalStorage } from 'node:async_hooks'
import { json } from './reply.mjs'

/** What happened to a request, by the id that the client gave it; read by another request. */
const LOGS = new Map()
const MAX_LOGS = 500
/** A log that does not get what is waited for is answered as it is. */
const PATIENCE_MS = 4000

class Log {
  #entries = []
  #waiting = new Set()

  add(entry) {
    this.#entries.push(entry)
    for (const look of this.#waiting) look()
  }

  /** Resolves when every one of `wanted` is in the log, and what follows in the same turn too. */
  async until(wanted) {
    await new Promise((resolve) => {
      const timer = setTimeout(done, PATIENCE_MS)
      const look = () => {
        if (wanted.every((entry) => this.#entries.some((logged) => logged.startsWith(entry)))) done()
      }
      const waiting = this.#waiting
      function done() {
        clearTimeout(timer)
        waiting.delete(look)
        setTimeout(resolve, 15)
      }
      waiting.add(look)
      look()
    })
    return this.#entries
  }
}

function logOf(id) {
  let log = LOGS.get(id)
  if (log === undefined) {
    log = new Log()
    LOGS.set(id, log)
    if (LOGS.size > MAX_LOGS) LOGS.delete(LOGS.keys().next().value)
  }
  return log
}

function errorName(error) {
  return error === null || error === undefined ? 'no error' : `${error.code ?? error.name} ${error.message}`
}

const storage = new AsyncLocalStorage()

/** Logs the events of both sides. */
function watch(id, req, res) {
  const log = logOf(id)
  // An error that nobody hears ends the process.
  log.add(`request ${req.method}`)
  for (const name of ['end', 'aborted']) req.on(name, () => log.add(`req ${name}`))
  req.on('error', (error) => log.add(`req error ${errorName(error)}`))
  req.on('close', () => log.add(`req close complete=${req.complete} aborted=${req.aborted} destroyed=${req.destroyed}`))
  for (const name of ['finish', 'prefinish', 'pipe', 'unpipe']) res.on(name, () => log.add(`res ${name}`))
  res.on('error', (error) => log.add(`res error ${errorName(error)}`))
  res.on('close', () => {
    const state = `sent=${res.headersSent} ended=${res.writableEnded} finished=${res.writableFinished} destroyed=${res.destroyed}`
    log.add(`res close ${state} socket=${res.socket === null ? 'null' : 'there'}`)
  })
  finished(req, (error) => log.add(`finished(req) ${errorName(error)}`))
  finished(res, (error) => log.add(`finished(res) ${errorName(error)}`))
  return log
}

/** What an application may do with a request, each watched. */
const behaviours = {
  plain: (_req, res) => res.end('plain\n'),
  ignored: (_req, res) => res.writeHead(204).end(),
  echo: (req, res) => void req.pipe(res),
  drain: (req, res) => {
    req.resume()
    req.on('end', () => res.end('drained\n'))
  },
  'before-the-body': (req, res) => {
    res.end('answered first\n')
    req.resume()
  },
  unread: (_req, res) => res.end('unread\n'),
  chunked: (_req, res) => {
    res.write('one ')
    setTimeout(() => res.end('two\n'), 10)
  },
  callbacks: (_req, res, log) => {
    res.write('one ', () => log.add('write callback'))
    res.end('two\n', () => log.add('end callback'))
    log.add('end returned')
  },
  'end-later-callback': (_req, res, log) => {
    res.end('once\n', () => log.add('end callback'))
    res.on('close', () => {
      res.end((error) => log.add(`second end ${errorName(error)}`))
      res.write('late', (error) => log.add(`late write ${errorName(error)}`))
    })
  },
  'write-after-end': (_req, res, log) => {
    res.end('once\n')
    const accepted = res.write('late', (error) => log.add(`write callback ${errorName(error)}`))
    log.add(`write returned ${accepted}`)
  },
  'end-after-end': (_req, res, log) => {
    res.end('once\n')
    res.end('twice\n', (error) => log.add(`end callback ${errorName(error)}`))
  },
  waits: (_req, res, log) => {
    log.add('waiting')
    res.on('close', () => log.add(`gone destroyed=${res.destroyed}`))
  },
  'waits-then-answers': (_req, res, log) => {
    log.add('waiting')
    res.on('close', () => {
      log.add(`write ${res.write('too late', (error) => log.add(`write callback ${errorName(error)}`))}`)
      res.end('too late', (error) => log.add(`end callback ${errorName(error)}`))
    })
  },
  'head-then-waits': (_req, res, log) => {
    res.writeHead(200, { 'X-Accel-Buffering': 'no' })
    res.flushHeaders()
    log.add('waiting')
  },
  'streams-until-gone': (_req, res, log) => {
    res.writeHead(200, { 'X-Accel-Buffering': 'no', 'Content-Type': 'text/plain' })
    res.write('first\n')
    log.add('waiting')
    const timer = setInterval(() => res.write('more\n'), 5)
    res.on('close', () => clearInterval(timer))
  },
  'reads-then-waits': async (req, _res, log) => {
    try {
      let bytes = 0
      req.once('data', () => log.add('data'))
      for await (const chunk of req) bytes += chunk.length
      log.add(`read ${bytes}`)
      log.add('waiting')
    } catch (error) {
      log.add(`for await ${errorName(error)}`)
    }
  },
  'destroy-response': (_req, res) => res.destroy(),
  'destroy-response-error': (_req, res) => res.destroy(new Error('on purpose')),
  'destroy-response-after-head': (_req, res) => {
    res.writeHead(200, { 'X-Accel-Buffering': 'no' })
    res.write('begun\n', () => setTimeout(() => res.destroy(), 10))
  },
  'destroy-response-error-after-head': (_req, res) => {
    res.writeHead(200, { 'X-Accel-Buffering': 'no' })
    res.write('begun\n', () => setTimeout(() => res.destroy(new Error('on purpose')), 10))
  },
  'destroy-request': (req) => req.destroy(),
  'destroy-request-error': (req) => req.destroy(new Error('on purpose')),
  'destroy-request-after-head': (req, res) => {
    res.writeHead(200, { 'X-Accel-Buffering': 'no' })
    res.write('begun\n', () => setTimeout(() => req.destroy(), 10))
  },
  'destroy-socket': (req) => req.socket.destroy(),
  'destroy-socket-after-head': (req, res) => {
    res.writeHead(200, { 'X-Accel-Buffering': 'no' })
    res.write('begun\n', () => setTimeout(() => req.socket.destroy(), 10))
  },
  'end-socket-after-head': (req, res) => {
    res.writeHead(200, { 'X-Accel-Buffering': 'no', 'Content-Length': 100 })
    res.write('begun\n', () => setTimeout(() => req.socket.end(), 10))
  },
  'destroy-after-end': (_req, res) => {
    res.end('ended\n', () => res.destroy())
  },
  'request-timeout': (req, res, log) => {
    req.setTimeout(30, () => {
      log.add('request timeout')
      res.end('timed out\n')
    })
  },
  'response-timeout': (_req, res, log) => {
    res.setTimeout(30, (socket) => {
      log.add(`response timeout ${socket === undefined ? 'no socket' : 'socket'}`)
      res.end('timed out\n')
    })
  },
  'socket-timeout': (req, res, log) => {
    req.socket.setTimeout(30, () => {
      log.add('socket timeout')
      req.socket.setTimeout(0)
      res.end('timed out\n')
    })
  },
  'timeout-nobody-hears': (_req, res) => res.setTimeout(30),
  'timeout-taken-back': (_req, res, log) => {
    res.setTimeout(30, () => log.add('must not come'))
    res.setTimeout(0)
    setTimeout(() => res.end('no timeout\n'), 60)
  },
  'abort-signal': (_req, res) => {
    const controller = new AbortController()
    addAbortSignal(controller.signal, res)
    setTimeout(() => controller.abort(), 10)
  },
  'async-local-storage': (req, res, log) => {
    storage.run('kept', () => {
      for (const name of ['data', 'end', 'close']) req.on(name, () => log.add(`${name} ${storage.getStore()}`))
      for (const name of ['finish', 'close']) res.on(name, () => log.add(`res ${name} ${storage.getStore()}`))
      req.on('end', () => setImmediate(() => res.end(`${storage.getStore()}\n`)))
    })
  },
  'drain-events': (_req, res, log) => {
    const full = !res.write(Buffer.alloc(3_000_000))
    log.add(`full ${full} need ${res.writableNeedDrain}`)
    res.once('drain', () => {
      log.add(`drain need ${res.writableNeedDrain} length ${res.writableLength}`)
      res.end('\n')
    })
  },
  'error-in-pipeline': (_req, res, log) => {
    import('node:stream').then(({ pipeline }) => {
      pipeline(
        async function* () {
          yield 'begun\n'
          await new Promise((resolve) => setTimeout(resolve, 10))
          throw new Error('in the middle')
        },
        res,
        (error) => log.add(`pipeline ${errorName(error)}`),
      )
    })
  },
  'unpipe-on-error': (_req, res, log) => {
    res.on('error', () => {})
    res.write('begun\n')
    setTimeout(() => {
      res.emit('error', new Error('by hand'))
      log.add(`errored ${errorName(res.errored)}`)
      res.end('and on\n')
    }, 5)
  },
}

/** Watched requests, and the logs of them. */
export const events = {
  '/events': async (_req, res, url) => {
    const log = logOf(url.searchParams.get('id'))
    json(res, await log.until(url.searchParams.getAll('until')))
  },
  '/watch': (req, res, url) => {
    const log = watch(url.searchParams.get('id'), req, res)
    return behaviours[url.searchParams.get('do')](req, res, log)
  },
}
