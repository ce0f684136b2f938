import { createReadStream } from 'node:fs'
import { PassThrough, pipeline, Readable, Transform } from 'node:stream'
import { pipeline as pipelinePromise } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { attempt, json } from './reply.mjs'

const FILE = new URL('../public/text.txt', import.meta.url)

/** What a response says of itself. */
function state(res) {
  return {
    headersSent: res.headersSent,
    ended: res.writableEnded,
    finished: res.finished,
    writableFinished: res.writableFinished,
    writable: res.writable,
    destroyed: res.destroyed,
    errored: String(res.errored),
    closed: res.closed,
    corked: res.writableCorked,
    objectMode: res.writableObjectMode,
    needDrain: res.writableNeedDrain,
    length: res.writableLength > 0,
    socket: res.socket !== null && res.socket === res.connection,
    req: res.req?.res === undefined || res.req.res === res,
  }
}

async function* numbers() {
  for (let index = 0; index < 5; index++) {
    await delay(1)
    yield `number ${index}\n`
  }
}

/** Every way to write a body. */
export const bodies = {
  '/body/encodings': (_req, res) => {
    res.setHeader('Content-Type', 'application/octet-stream')
    res.write('\xe9 latin1 ', 'latin1')
    res.write('\xe9 binary ', 'binary')
    res.write('\u20ac utf8 ', 'utf8')
    res.write('ascii ', 'ascii')
    res.write('68657820', 'hex')
    res.write('YmFzZTY0IA==', 'base64')
    res.write('YmFzZTY0dXJsIA', 'base64url')
    res.write('\u20ac', 'utf16le')
    res.write(Buffer.from('buffer '))
    res.write(new Uint8Array([0, 255, 10, 13]))
    res.end('656e64', 'hex')
  },
  '/body/end-encoding': (_req, res, url) => {
    res.end(url.searchParams.get('text'), url.searchParams.get('encoding'))
  },
  '/body/write-encoding': (_req, res, url) => {
    res.write(url.searchParams.get('text'), url.searchParams.get('encoding'))
    res.end()
  },
  '/body/head-with-encoding': (_req, res, url) => {
    res.setHeader('X-Latin', '\xe9')
    res.write('\xe9', url.searchParams.get('encoding'))
    res.end('.')
  },
  '/body/callbacks': (_req, res) => {
    const order = []
    res.write('a', () => order.push('a'))
    res.write('b', 'latin1', () => order.push('b'))
    res.write(Buffer.from('c'), () => {
      order.push('c')
      res.write(` ${order.join()} `, () => {
        order.push('d')
        res.end(`${order.join()}\n`)
      })
    })
    order.push('sync')
  },
  '/body/end-callback': (_req, res) => {
    res.end('end callback\n', () => {})
  },
  '/body/end-only-callback': (_req, res) => {
    res.write('before\n')
    res.end(() => {})
  },
  '/body/cork': (_req, res) => {
    res.cork()
    res.write('one ')
    res.write('two ')
    const corked = res.writableCorked
    res.uncork()
    res.cork()
    res.cork()
    res.write('three ')
    res.uncork()
    res.uncork()
    res.end(`${corked} ${res.writableCorked}\n`)
  },
  '/body/corked-for-long': (_req, res) => {
    res.cork()
    res.write('corked ')
    setTimeout(() => {
      res.uncork()
      res.end('for long\n')
    }, 10)
  },
  '/body/length-right': (_req, res) => {
    res.writeHead(200, { 'Content-Length': 12 })
    res.write('exactly ')
    res.end('12 b')
  },
  '/body/length-short': (_req, res) => {
    res.writeHead(200, { 'Content-Length': 20, Connection: 'close' })
    res.end('too short')
  },
  '/body/length-short-streamed': (_req, res) => {
    res.writeHead(200, { 'Content-Length': 20, Connection: 'close' })
    res.write('too ')
    setTimeout(() => res.end('short'), 10)
  },
  '/body/length-long': (_req, res) => {
    res.writeHead(200, { 'Content-Length': 5, Connection: 'close' })
    res.end('too long')
  },
  '/body/length-zero-with-body': (_req, res) => {
    res.writeHead(200, { 'Content-Length': 0, Connection: 'close' })
    res.end('something')
  },
  '/body/strict-length': (_req, res) => {
    res.strictContentLength = true
    res.setHeader('Content-Length', 10)
    const codes = [attempt(() => res.write('12345')), attempt(() => res.write('678901')), attempt(() => res.end('1234567'))]
    res.end(codes.join(' ').slice(0, 5))
  },
  '/body/states': (_req, res) => {
    const states = { fresh: state(res) }
    res.setHeader('Content-Type', 'application/json')
    states.set = state(res)
    res.writeHead(200)
    states.head = state(res)
    res.cork()
    res.write(' ')
    states.corked = state(res)
    res.uncork()
    states.written = state(res)
    res.write('\n', () => {
      states.callback = state(res)
      res.end(`${JSON.stringify(states, undefined, 1)}\n`)
    })
  },
  '/body/implicit-states': (_req, res) => {
    const states = [state(res)]
    res.write('')
    states.push(state(res))
    res.write('x')
    states.push(state(res))
    res.end(JSON.stringify(states, undefined, 1))
  },
  '/body/high-water-mark': (_req, res) => {
    json(res, { type: typeof res.writableHighWaterMark, positive: res.writableHighWaterMark >= 16_384 })
  },
  '/body/write-empty': (_req, res) => {
    res.write('')
    res.write(Buffer.alloc(0))
    const sent = res.headersSent
    res.write('')
    res.end(`${sent}\n`)
  },
  '/body/only-write-empty': (_req, res) => {
    res.write('')
    res.end('')
  },
  '/body/end-twice': (_req, res) => {
    res.on('error', () => {})
    res.end('once\n')
    res.end('twice\n')
  },
  '/body/end-after-end': (_req, res) => {
    res.on('error', () => {})
    res.end('once\n')
    res.end()
    res.write('more', () => {})
  },
  '/body/backpressure': (_req, res) => {
    const chunk = Buffer.alloc(64 * 1024, 'a')
    let written = 0
    let refused = 0
    const write = () => {
      while (written < 200) {
        written++
        if (!res.write(chunk)) {
          refused++
          res.once('drain', write)
          return
        }
      }
      res.end(refused > 0 ? 'drained\n' : 'never full\n')
    }
    write()
  },
  '/body/pipe-file': (_req, res) => {
    createReadStream(FILE).pipe(res)
  },
  '/body/pipe-event': (_req, res) => {
    const source = Readable.from(['piped ', 'in'])
    const seen = []
    res.on('pipe', (from) => seen.push(from === source))
    res.on('unpipe', (from) => {
      seen.push(from === source)
      res.end(` ${seen.join()}\n`)
    })
    source.pipe(res, { end: false })
    source.on('end', () => source.unpipe(res))
  },
  '/body/pipeline-file': (_req, res) => {
    pipeline(createReadStream(FILE), res, () => {})
  },
  '/body/pipeline-generator': async (_req, res) => {
    await pipelinePromise(numbers(), res)
  },
  '/body/pipeline-transform': async (_req, res) => {
    const upper = new Transform({
      transform(chunk, _encoding, callback) {
        callback(null, chunk.toString().toUpperCase())
      },
    })
    await pipelinePromise(createReadStream(FILE), upper, res)
  },
  '/body/readable-from': (_req, res) => {
    Readable.from(numbers()).pipe(res)
  },
  '/body/web-stream': async (_req, res) => {
    await pipelinePromise(Readable.fromWeb(new Blob(['a web stream\n']).stream()), res)
  },
  '/body/pipeline-large': async (_req, res) => {
    const chunk = Buffer.alloc(100_000, 'x')
    await pipelinePromise(
      Readable.from(
        (function* () {
          for (let index = 0; index < 50; index++) yield chunk
        })(),
      ),
      new PassThrough(),
      res,
    )
  },
  '/body/chunks-of': (_req, res, url) => {
    const size = Number(url.searchParams.get('size'))
    const count = Number(url.searchParams.get('count'))
    for (let index = 0; index < count; index++) res.write(Buffer.alloc(size, 97 + (index % 26)))
    res.end()
  },
  '/body/text-of': (_req, res, url) => {
    res.end('\u20ac'.repeat(Number(url.searchParams.get('n'))))
  },
  '/body/many-small': async (_req, res) => {
    for (let index = 0; index < 200; index++) {
      res.write(`${index} `)
      if (index % 50 === 0) await delay(1)
    }
    res.end('\n')
  },
  '/body/none': (_req, res, url) => {
    res.writeHead(Number(url.searchParams.get('code')), { 'X-Head': 'kept' })
    res.write('must not be seen ')
    res.end('nor this')
  },
  '/body/none-with-length': (_req, res, url) => {
    res.writeHead(Number(url.searchParams.get('code')), { 'Content-Length': 16, 'Content-Type': 'text/plain' })
    res.end('must not be seen')
  },
  '/body/reject-nonstandard': (_req, res) => {
    json(res, [typeof res.strictContentLength, typeof res.setTimeout, typeof res.assignSocket, typeof res.detachSocket])
  },
}
