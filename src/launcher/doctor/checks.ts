import type { Check } from './check.ts'
import { LIMIT_CHECKS } from './limit-checks.ts'
import { PROGRAM_CHECKS } from './program-checks.ts'
import { PROXY_CHECKS } from './proxy-checks.ts'
import { ROOT_CHECKS } from './root-checks.ts'
import { RUNNING_CHECKS } from './running-checks.ts'
import { SETTINGS_CHECKS } from './settings-checks.ts'

/** Every check, in the order in which they are told. */
export const CHECKS: readonly Check[] = [
  ...SETTINGS_CHECKS,
  ...PROGRAM_CHECKS,
  ...PROXY_CHECKS,
  ...ROOT_CHECKS,
  ...LIMIT_CHECKS,
  ...RUNNING_CHECKS,
]
