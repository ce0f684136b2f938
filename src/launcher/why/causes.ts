import type { ErrorCode } from '../../interface/errors.ts'
import type { EndedWorker } from '../../process/ended-worker.ts'
import type { FailedRequest } from './failed-request.ts'

/** What is known of a failure. */
export interface FailureFacts {
  readonly request: FailedRequest
  /** A worker of this application that ended in the same moment. */
  readonly worker: EndedWorker | undefined
  /** What is at the place of the socket now: `mode 600, owner 0:0`, `nothing`. */
  readonly socket: () => string
}

/** One cause of failed requests: how it is recognised, what it is called, and what is to be done. */
export interface Cause {
  readonly code: ErrorCode
  /** `debug`: nothing is wrong with the server. */
  readonly level: 'error' | 'debug'
  readonly fits: (facts: FailureFacts) => boolean
  /** Ends the sentence "GET /x [id]: 502: ". */
  readonly what: (facts: FailureFacts) => string
  /** One sentence. */
  readonly fix: string | ((facts: FailureFacts) => string)
}

const says =
  (pattern: RegExp): Cause['fits'] =>
  ({ request: { words } }) =>
    words !== undefined && pattern.test(words)

/** `connect()` or `attempt to connect` with one of these error numbers: Linux's, and the BSDs' where they differ. */
const cannotConnect = (...errors: readonly number[]): Cause['fits'] =>
  says(
    new RegExp(
      `^connect\\(\\) .*failed \\((?:${errors.join('|')}): |^\\((?:${errors.join('|')})\\)[^:]*: AH0(?:2454|0957): |^AH0(?:2454|0957): .*\\((?:${errors.join('|')})\\)`,
    ),
  )

/** The connection was closed, or broke, where a response should have come. */
const CLOSED =
  /^upstream prematurely closed |^(?:recv|send|writev|readv|sendmsg|recvmsg)\(\) failed |^\((?:104|32|54|70014|20014)\)|^AH0(?:1075|1067|1074|1102|1097|1084|0858|0860|1110|1071|0898|1114|1073)\b|^AH10(?:098|154|404)\b|^End of script output before headers/

/** A worker that ended at this moment, by the cause of its end. */
const worker =
  (test: (worker: EndedWorker) => boolean): Cause['fits'] =>
  (facts) =>
    facts.worker !== undefined && test(facts.worker) && (facts.request.words === undefined || says(CLOSED)(facts))

const ended = ({ worker: each }: FailureFacts): string => `worker ${each?.pid ?? ''} ${each?.how ?? ''}`

const memory = ({ worker: each }: FailureFacts): string =>
  each?.rssBytes === undefined ? '' : `; it had ${Math.round(each.rssBytes / 1048576)} MB shortly before`

/** The first that fits is the cause. */
export const CAUSES: readonly Cause[] = [
  {
    code: 'TSGI_ERR_CLIENT_DISCONNECTED',
    level: 'debug',
    fits: ({ request: { status, words } }) => status === 499 || (words === undefined && status !== 0 && status < 500),
    what: ({ request: { seconds } }) => `the client left${seconds === undefined ? '' : ` after ${seconds.toFixed(1)} s`}`,
    fix: 'Nothing, unless many do: then see what takes so long (--slow-request-time)',
  },
  {
    code: 'TSGI_ERR_REQUEST_STUCK',
    level: 'error',
    fits: worker(({ cause }) => cause === 'stuck'),
    what: ended,
    fix: 'Give long work to a worker thread or in pieces; the stack is in the lines of TSGI_ERR_WORKER_STUCK',
  },
  {
    code: 'TSGI_ERR_REQUEST_OOM',
    level: 'error',
    fits: worker(({ oom }) => oom),
    what: (facts) => `the system killed worker ${facts.worker?.pid ?? ''} for lack of memory${memory(facts)}`,
    fix: 'Raise the memory limit of the container or the machine, start fewer --processes, or replace large workers in time with --worker-max-rss',
  },
  {
    code: 'TSGI_ERR_REQUEST_HEAP',
    level: 'error',
    fits: worker(({ exit }) => exit.signal === 'SIGABRT' || exit.code === 134),
    what: (facts) => `${ended(facts)}${memory(facts)}`,
    fix: "Raise the heap's limit (NODE_OPTIONS=--max-old-space-size=MB), or find what holds the memory; V8's last words are in the error log",
  },
  {
    code: 'TSGI_ERR_REQUEST_EXCEPTION',
    level: 'error',
    fits: worker(({ cause }) => cause === 'exception'),
    what: ({ worker: each }) => `worker ${each?.pid ?? ''} ended for an exception that nobody caught`,
    fix: 'Catch it where it is thrown; its stack is in the line "uncaught exception" of that worker',
  },
  {
    code: 'TSGI_ERR_REQUEST_KILLED',
    level: 'error',
    fits: worker(({ cause, exit }) => cause === 'signal' && exit.signal !== null),
    what: (facts) => `${ended(facts)}${memory(facts)}`,
    fix: ({ worker: each }) =>
      each?.exit.signal === 'SIGKILL'
        ? 'Look for who sends it: `dmesg` where the system ran out of memory, a supervisor, or somebody at a terminal'
        : 'A crash in native code: rebuild or update addons for this Node; another signal: look for who sends it',
  },
  {
    code: 'TSGI_ERR_REQUEST_EXIT',
    level: 'error',
    fits: worker(({ cause }) => cause === 'exit' || cause === 'signal'),
    what: ended,
    fix: 'Throw an error where the code ends the process; with code 1 or above 128, see the last lines of that worker',
  },
  {
    code: 'TSGI_ERR_REQUEST_STOPPED',
    level: 'error',
    fits: worker(() => true),
    what: (facts) => `${ended(facts)}, while it was to end (${facts.worker?.cause ?? ''})`,
    fix: 'Raise --graceful-timeout, so that requests which take so long are finished before a worker stops',
  },
  {
    code: 'TSGI_ERR_RESPONSE_HEAD_TOO_LARGE',
    level: 'error',
    fits: says(/^upstream sent too big header|^AH10124: |^Premature end of script headers/),
    what: () => 'the head of the response is larger than the proxy takes (nginx: 32 KB in all; Apache: 8 KB for a field)',
    fix: 'Send less in the head: look at cookies that grow, and keep sessions on the server',
  },
  {
    code: 'TSGI_ERR_PROXY_TIMEOUT',
    level: 'error',
    fits: says(/^upstream timed out|^\(70007\)|^AH01103: |timeout specified has expired/),
    what: ({ request: { seconds, words = '' } }) =>
      / while connecting|AH0(?:2454|0957)/.test(words)
        ? 'no worker took the connection within --connect-timeout'
        : `no worker sent anything for as long as the proxy waits${seconds === undefined ? '' : `; the request took ${seconds.toFixed(1)} s`}`,
    fix: 'Make the application answer or send sooner, or raise --request-timeout, by which the proxy waits, and what rules of your own say (fastcgi_read_timeout)',
  },
  {
    code: 'TSGI_ERR_SOCKET_MISSING',
    level: 'error',
    fits: cannotConnect(2),
    what: ({ request: { socketPath } }) => `the workers' socket is not there${socketPath === undefined ? '' : `: ${socketPath}`}`,
    fix: 'Somebody has removed it: restart the server, and keep what cleans up old files (systemd-tmpfiles, a deployment) away from the server root',
  },
  {
    code: 'TSGI_ERR_SOCKET_FORBIDDEN',
    level: 'error',
    fits: cannotConnect(13),
    what: ({ request: { socketPath }, socket }) => `the proxy may not use the workers' socket ${socketPath ?? ''} (${socket()})`,
    fix: "Give it back to the proxy's account: `chmod 660` on the socket, `chmod g+x` on every directory above it, or restart the server",
  },
  {
    code: 'TSGI_ERR_SOCKET_REFUSED',
    level: 'error',
    fits: cannotConnect(111, 61),
    what: ({ request: { socketPath } }) =>
      `nobody listens on the workers' socket${socketPath === undefined ? '' : ` ${socketPath}`}`,
    fix: 'Restart the server; another process may have put a socket of its own in that place',
  },
  {
    code: 'TSGI_ERR_BACKLOG_FULL',
    level: 'error',
    fits: cannotConnect(11, 35),
    what: () => 'the queue of connections to the workers is full: they accept none, or fewer than come',
    fix: 'Start more --processes, or find what blocks them (--slow-request-time shows it); above that, raise net.core.somaxconn and restart',
  },
  {
    code: 'TSGI_ERR_PROXY_LIMIT',
    level: 'error',
    fits: says(
      /^\d+ worker_connections are not enough|^(?:socket|accept4?|open|pipe)\(\) .*failed \((?:23|24): |^\((?:23|24)\)|^AH0034: /,
    ),
    what: ({ request: { words } }) => `the proxy has no room for another connection: ${words ?? ''}`,
    fix: 'Raise --max-clients, and the limit of open files (`ulimit -n`, LimitNOFILE= in systemd)',
  },
  {
    code: 'TSGI_ERR_RESPONSE_MALFORMED',
    level: 'error',
    fits: (facts) =>
      // tsgi itself ends what it breaks off over FastCGI with a record that is none.
      !(facts.request.begun && /AH01068/.test(facts.request.words ?? '')) &&
      says(/^upstream sent |^upstream rejected |^AH0(?:1070|1068|1069|1072|1098|1099|1100|1106|1107): |^malformed header/)(facts),
    what: ({ request: { words } }) => `what came back is no response: ${words ?? ''}`,
    fix: 'Something else than tsgi answers on that socket, or writes to its connections: see who does (`ss -xlp`), and use no raw descriptors in the application',
  },
  {
    code: 'TSGI_ERR_RESPONSE_CUT',
    level: 'error',
    fits: (facts) => says(CLOSED)(facts) || (facts.request.begun && facts.request.words !== undefined),
    what: ({ request: { begun, words } }) =>
      `the response ${begun ? 'broke off half-way' : 'never began, and the connection was closed'}, though no worker ended: ${words ?? ''}`,
    fix: 'Look for the lines of the workers with this id: the application failed half-way, sent less than its Content-Length, or closed the connection',
  },
  {
    code: 'TSGI_ERR_REQUEST_LOST',
    level: 'error',
    fits: () => true,
    what: ({ request: { words } }) => (words === undefined ? 'the proxy does not say why' : `the proxy says: ${words}`),
    fix: 'See the lines of the error log around it, and `tsgi-express doctor`',
  },
]
