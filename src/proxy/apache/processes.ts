import type { Site } from '../site.ts'
import { directive, from } from './directive.ts'
import type { Node } from './directive.ts'

/**
 * Threads of one process of httpd. Two start at once, and another in each second that all are taken: a burst of 500 slow clients must
 * find room for others in the first two.
 */
const THREADS_PER_CHILD = 256
const STARTED = 2

/**
 * Requests at a time where nothing else is said. A thread is taken for as long as a client sends the head of its request, so that this
 * is also how many clients that send slowly it takes to keep all others out: 500 of them must leave room. A thread that waits costs
 * some 20 KB of memory, and most are only started when they are needed. A WebSocket takes one for as long as it is open.
 */
const USUAL_CLIENTS = 1024

/** How many threads serve clients, in how many processes. */
export function clientConnections({ limits }: Site): Node[] {
  const clients = limits.clients ?? USUAL_CLIENTS
  const threads = Math.min(THREADS_PER_CHILD, clients)
  const processes = Math.ceil(clients / threads)
  const most = directive('MaxRequestWorkers', processes * threads)
  return [
    {
      comment:
        'Threads for clients: each one that sends its request slowly, and each WebSocket, takes one. More processes start when needed.',
    },
    directive('ServerLimit', processes),
    directive('ThreadLimit', threads),
    directive('ThreadsPerChild', threads),
    limits.clients === undefined ? most : from('max-clients', most),
    directive('StartServers', Math.min(processes, STARTED)),
    directive('MinSpareThreads', threads),
    directive('MaxSpareThreads', Math.min(4 * threads, processes * threads)),
  ]
}
