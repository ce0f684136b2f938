import { join } from 'node:path'

import { formatSize } from '../../settings/settings-values.ts'
import { certificateOf } from '../survey.ts'
import { nearestDirectory } from '../closed-paths.ts'
import { shellWord } from '../shell-words.ts'
import { fail, ok, reason, warn, worst } from './check.ts'
import type { Check } from './check.ts'
import { cgroupTexts, freeBytes, textOf } from './machine.ts'

const certificate: Check = {
  id: 'certificate',
  about: 'The certificate is not over, does not end soon, has its key, and is for the names that are served',
  look({ settings }) {
    const file = settings.sslCertificateFile
    if (file === undefined) return ok('no HTTPS')
    const look = `openssl x509 -in ${file} -noout -dates -subject -ext subjectAltName`
    try {
      const warnings = certificateOf(settings)?.warnings ?? []
      return worst(
        warnings.map((each) => (/is over since|begins on/.test(each) ? fail(each, 'certbot renew') : warn(each, look))),
        file,
      )
    } catch (error) {
      return fail(reason(error), look)
    }
  },
}

/** Bodies that may be on their way at once. */
const BODIES = 10

/** Where there is more, bytes: the default. */
const USUAL_LIMIT = 10 * 1024 * 1024

const bodySpool: Check = {
  id: 'body-spool',
  about: 'Request bodies of the allowed size fit where the proxy spools them',
  look({ settings: { limitRequestBody: limit }, root, machine: { temporary } }) {
    if (limit === 0) return warn('a request body may have any size, and fill the disk', '--limit-request-body 10MB')
    const place = root.fresh ? temporary : root.path
    const free = freeBytes(place)
    if (free === undefined) return ok(formatSize(limit))
    const room = `${formatSize(limit)} for one body, ${Math.round(free / 1024 ** 2)} MB free in ${place}`
    const fix =
      limit > USUAL_LIMIT
        ? `--limit-request-body ${formatSize(USUAL_LIMIT)}`
        : `du -xh ${shellWord(nearestDirectory(place))} | sort -h | tail`
    if (free < limit) return fail(room, fix)
    return free < limit * BODIES ? warn(`${room}: ${BODIES} at once do not fit`, fix) : ok(room)
  },
}

/** Descriptors of a worker or a proxy beside its connections: logs, sockets, modules, files. */
const OTHER_FILES = 100

/** Connections of a proxy's process, where nobody says how many. */
const USUAL_CONNECTIONS = 512

const openFiles: Check = {
  id: 'open-files',
  about: 'A process may have as many files open as it will have connections, two for each request',
  look({ settings, machine: { proc } }) {
    const text = /^Max open files\s+(\S+)/m.exec(textOf(join(proc, 'self/limits')) ?? '')?.[1]
    if (text === undefined || text === 'unlimited') return ok(text ?? 'not told')
    const needed = 2 * (settings.maxClients ?? USUAL_CONNECTIONS) + OTHER_FILES
    if (Number(text) >= needed) return ok(`${text}, and ${needed} are needed`)
    return warn(
      `${text} open files are allowed, and ${needed} are needed`,
      `ulimit -n ${needed}; in a unit: LimitNOFILE=${needed}`,
    )
  },
}

const memory: Check = {
  id: 'memory',
  about: "The workers' heaps fit into the memory that the container may have",
  look({ settings: { processes, workerMaxRss }, machine }) {
    const limits = cgroupTexts(machine, 'memory.max').map(Number).filter(Number.isFinite)
    const each = workerMaxRss > 0 ? workerMaxRss : machine.heapBytes
    if (limits.length === 0) return ok('the memory is not limited')
    const limit = Math.min(...limits)
    const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`
    const seen = `${processes} worker(s) of up to ${megabytes(each)} in ${megabytes(limit)}`
    if (processes * each <= limit) return ok(seen)
    const share = Math.max(1, Math.floor((limit * 0.8) / processes / 1024 ** 2))
    return warn(`${seen}: the system kills one when they grow`, `--worker-max-rss ${share}MB`)
  },
}

const processors: Check = {
  id: 'processors',
  about: 'There are not more workers than processors to run them',
  look({ settings: { processes }, machine }) {
    const shares = cgroupTexts(machine, 'cpu.max').flatMap((text) => {
      const [quota = '', period = ''] = text.split(' ')
      return /^\d+$/.test(quota) ? [Number(quota) / Number(period)] : []
    })
    const most = Math.min(machine.processors, ...shares)
    const seen = `${processes} worker(s) on ${Math.round(most * 100) / 100} processor(s)`
    return processes <= Math.max(1, Math.ceil(most)) ? ok(seen) : warn(seen, `--processes ${Math.max(1, Math.ceil(most))}`)
  },
}

/** What concerns how much of something there is. */
export const LIMIT_CHECKS: readonly Check[] = [certificate, bodySpool, openFiles, memory, processors]
