import { BOTH, setting } from './setting.ts'
import { list, path, size, text } from './settings-values.ts'
import type { ValueKind } from './settings-values.ts'

const MAX_FILE_BYTES = 64 * 1024 * 1024
const MAX_BODY_BYTES = 64 * 1024

const share: ValueKind<number, number> = {
  placeholder: 'RATE',
  accepted: 'a number from 0 to 1, such as 0.01',
  arity: 'one',
  writtenAs: 'number',
  textsOf: (written) => (typeof written === 'number' ? [String(written)] : typeof written === 'string' ? [written] : undefined),
  parse: (value) => (/^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?|\.\d{1,9})$/.test(value) ? Number(value) : undefined),
}

/** The rows of the table that are about keeping requests for `tsgi replay`. */
export const RECORDING_SETTINGS = {
  record: setting({
    kind: path('FILE'),
    default: undefined,
    help: 'Keeps requests and their responses in this file, without secrets, for tsgi replay',
    theme: 'Recording',
    commands: BOTH,
  }),
  recordSample: setting({
    kind: share,
    default: 1,
    help: 'The part of the requests that is kept: 0.01 is one of a hundred',
    theme: 'Recording',
    commands: BOTH,
  }),
  recordMaxSize: setting({
    kind: size('SIZE'),
    default: MAX_FILE_BYTES,
    help: 'Size of the file at which recording ends',
    theme: 'Recording',
    commands: BOTH,
  }),
  recordMaxBody: setting({
    kind: size('SIZE'),
    default: MAX_BODY_BYTES,
    help: 'Bodies above this are not kept, but for their length and the hash of responses',
    theme: 'Recording',
    commands: BOTH,
  }),
  recordRedact: setting({
    kind: list(text('NAME', 'a name of letters, digits, - and _', /^[\w-]{1,100}$/)),
    default: [],
    defaultText: 'those that sound like passwords, tokens, cookies and the like',
    help: 'More headers and keys of queries, forms and JSON whose values are not written down; repeatable',
    theme: 'Recording',
    commands: BOTH,
  }),
}
