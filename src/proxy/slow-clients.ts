import type { SlowClients } from './site.ts'

/** The options that gave them. */
export function flagsOfSlowClients({ headerMaxMs, headerMinRate, bodyMaxMs, bodyMinRate }: SlowClients): string[] {
  return [
    ...(headerMaxMs === undefined ? [] : ['header-max-timeout']),
    ...(headerMinRate === undefined ? [] : ['header-min-rate']),
    ...(bodyMaxMs === undefined ? [] : ['body-max-timeout']),
    ...(bodyMinRate === undefined ? [] : ['body-min-rate']),
  ]
}
