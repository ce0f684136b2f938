import type { Target } from '../target.ts'
import { DECODERS } from './decoders.ts'
import { ENVIRON } from './environ.ts'
import { FIELDS } from './fields.ts'
import { MULTIPART } from './multipart.ts'
import { SERVERS } from './servers.ts'

export const TARGETS: readonly Target[] = [...DECODERS, FIELDS, MULTIPART, ENVIRON, ...SERVERS]
