export { EventEmitter } from 'node:events'
export { Duplex, Readable, Stream, Writable } from 'node:stream'
