/**
 * Makes a process on Linux take itself for one on Windows, as far as this project can tell: loaded by `NODE_OPTIONS=--import`, so also
 * by its workers. What Node does not have there is refused here, in the same way where that is known.
 *
 * SIGUSR2 stands for Ctrl-Break, which ends whoever does not listen for it. Named pipes are unix sockets in the current directory, with the pipe's whole name.
 */
// What looks at the platform as it loads, and must find the real one.
import childProcess from 'node:child_process'
import fs from 'node:fs'
import 'node:fs/promises'
import 'node:http'
import 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import 'node:os'
import 'node:path'
import 'node:url'
import 'node:worker_threads'

const PIPES = '\\\\.\\pipe\\'

Object.defineProperty(process, 'platform', { value: 'win32' })
for (const name of [
  'getuid',
  'geteuid',
  'getgid',
  'getegid',
  'getgroups',
  'setuid',
  'setgid',
  'seteuid',
  'setegid',
  'setgroups',
]) {
  Reflect.deleteProperty(process, name)
}

process.on('SIGUSR2', () => {
  if (!process.emit('SIGBREAK', 'SIGBREAK')) process.abort()
})

/** No signal can be sent: these end their receiver at once, and others are errors. */
function deliverable(signal) {
  if (signal === 0) return 0
  if (['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGQUIT', undefined].includes(signal)) return 'SIGKILL'
  throw Object.assign(new Error(`kill ENOSYS (${signal})`), { code: 'ENOSYS' })
}
const kill = process.kill.bind(process)
process.kill = (pid, signal) => kill(pid, deliverable(signal))
const killChild = Reflect.get(childProcess.ChildProcess.prototype, 'kill')
childProcess.ChildProcess.prototype.kill = function (signal) {
  return killChild.call(this, deliverable(signal))
}

/** No socket has a number, and none is inherited. */
const { _createServerHandle: createServerHandle } = net
// Node calls it there, for every socket that goes over a channel.
const probe = createServerHandle('127.0.0.1', 0, 4)
Object.getPrototypeOf(probe).setSimultaneousAccepts = () => {}
probe.close()
net._createServerHandle = (...args) => {
  const handle = createServerHandle(...args)
  return typeof handle === 'object' ? Object.defineProperty(handle, 'fd', { value: -1 }) : handle
}
const { spawn } = childProcess
childProcess.spawn = (command, args, options) => {
  const inherited = (Array.isArray(options?.stdio) ? options.stdio : []).slice(3).filter((each) => typeof each === 'number')
  if (inherited.length > 0) throw new Error(`no sockets can be inherited: ${inherited.join(', ')}`)
  if (options?.uid !== undefined || options?.gid !== undefined) throw new Error('spawn ENOTSUP (uid, gid)')
  return spawn(command, args, options)
}
const listen = Reflect.get(net.Server.prototype, 'listen')
net.Server.prototype.listen = function (...args) {
  const { fd, path } = typeof args[0] === 'object' && args[0] !== null ? args[0] : {}
  if (typeof fd === 'number' && fd >= 0 && !('listen' in args[0])) throw new Error(`no descriptor can be listened on: ${fd}`)
  if (path !== undefined && !path.startsWith(PIPES)) throw new Error(`listen EACCES: permission denied ${path}`)
  return listen.apply(this, args)
}

const { readdirSync } = fs
fs.readdirSync = (path, ...args) =>
  path === PIPES
    ? readdirSync('.').flatMap((name) => (name.startsWith(PIPES) ? [name.slice(PIPES.length)] : []))
    : readdirSync(path, ...args)

syncBuiltinESMExports()
