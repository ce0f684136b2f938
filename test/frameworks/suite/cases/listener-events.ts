import { get, post, Theme } from '../case.ts'
import type { Case } from '../case.ts'

const theme = new Theme('events')
let lastId = 0

type Rest = Partial<Pick<Case, 'leaves' | 'messages'>>

/** A watched request; the log is read when `until` is in it. */
function watched(
  behaviour: string,
  until: readonly string[],
  rest: Rest & { body?: string; live?: boolean; title?: string } = {},
): void {
  const { body, live, title, ...others } = rest
  const id = `${++lastId}@`
  const target = `${live === true ? '/live' : ''}/watch?id=${id}&do=${behaviour}`
  const name = `${behaviour}${title === undefined ? '' : `, ${title}`}`
  theme.add(name, body === undefined ? get(target) : post(target, 'text/plain', body), { log: { id, until }, ...others })
}

const BOTH = ['req close', 'res close', 'finished(res)', 'finished(req)']
const LONG = 'x'.repeat(60_000)

for (const behaviour of [
  'plain',
  'ignored',
  'echo',
  'drain',
  'unread',
  'chunked',
  'callbacks',
  'end-later-callback',
  'write-after-end',
  'end-after-end',
  'before-the-body',
  'destroy-after-end',
  'drain-events',
  'async-local-storage',
  'timeout-taken-back',
  'unpipe-on-error',
]) {
  watched(behaviour, ['res close'])
  // Two of them would depend on when the body comes.
  if (behaviour === 'async-local-storage' || behaviour === 'end-later-callback') continue
  watched(behaviour, ['res close'], { body: 'a body', title: 'a body' })
}
for (const behaviour of ['echo', 'drain', 'unread', 'before-the-body']) {
  watched(behaviour, ['res close'], { body: LONG, live: true, title: 'a long body as it comes' })
}
for (const behaviour of [
  'destroy-response',
  'destroy-response-error',
  'destroy-response-after-head',
  'destroy-response-error-after-head',
  'destroy-request',
  'destroy-request-error',
  'destroy-request-after-head',
  'destroy-socket',
  'destroy-socket-after-head',
  'end-socket-after-head',
  'abort-signal',
  'error-in-pipeline',
]) {
  watched(behaviour, ['res close'])
}
for (const behaviour of ['request-timeout', 'response-timeout', 'socket-timeout', 'timeout-nobody-hears'])
  watched(behaviour, ['res close'])

for (const how of ['end', 'reset'] as const) {
  watched('waits', BOTH, { leaves: { how, when: 'waiting' }, title: `left by ${how}` })
  watched('waits', BOTH, { leaves: { how, when: 'waiting' }, body: 'unread', title: `left by ${how} behind a body` })
  watched('waits-then-answers', [...BOTH, 'write callback'], { leaves: { how, when: 'waiting' }, title: `left by ${how}` })
  watched('head-then-waits', BOTH, { leaves: { how, when: { bodyBytes: 0 } }, title: `left by ${how}` })
  watched('streams-until-gone', BOTH, { leaves: { how, when: { bodyBytes: 6 } }, title: `left by ${how}` })
  watched('reads-then-waits', [...BOTH, 'read'], {
    leaves: { how, when: 'waiting' },
    body: 'read',
    title: `left by ${how} behind a body`,
  })
}

export const eventCases = theme.cases
