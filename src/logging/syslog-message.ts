import { hostname } from 'node:os'

import type { Severity } from './line-sink.ts'

/** The facilities of RFC 5424, section 6.2.1, and their numbers. */
export const FACILITIES = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const

export type Facility = keyof typeof FACILITIES

const SEVERITIES: Readonly<Record<Severity, number>> = { error: 3, warn: 4, info: 6, debug: 7 }

/** Longest message, characters: what fits in a datagram everywhere, and more than most receivers keep. */
const MAX_MESSAGE = 8192

const HOST = hostname().replace(/[^!-~]/g, '') || '-'

export function priority(facility: Facility, severity: Severity): number {
  return FACILITIES[facility] * 8 + SEVERITIES[severity]
}

/** A message of RFC 5424, without structured data. `kind` becomes its MSGID. */
export function syslogMessage(facility: Facility, severity: Severity, name: string, kind: string, text: string): string {
  const head = `<${priority(facility, severity)}>1 ${new Date().toISOString()} ${HOST} ${name} ${process.pid} ${kind} -`
  return `${head} ${boundedLine(text)}`
}

export function boundedLine(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}...` : text
}
