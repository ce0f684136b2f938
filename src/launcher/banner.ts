import { styled } from './terminal-colour.ts'

/** What the operator is told once a request has gone all the way. */
export interface BannerFields {
  readonly url: string
  /** Absent without HTTPS. */
  readonly httpsUrl?: string
  readonly serverType: string
  /** Absent for the embedded server. */
  readonly wire?: string
  readonly serverRoot: string
  readonly configuration?: string
  readonly errorLog: string
  /** Absent where nothing writes one. */
  readonly accessLog?: string
  /** The first one, then each further one with its mount point. */
  readonly applications: readonly string[]
  /** Side services, each with its script. */
  readonly services: readonly string[]
  readonly workerPids: readonly number[]
  readonly limitRequestBody: string
  readonly bootMs: number
  readonly pid: number
}

/** The banner, a field a line and `Ready` in the last one. `colour`: with ANSI styles. */
export function banner(fields: BannerFields, colour: boolean): string {
  const rows: [name: string, value: string | undefined][] = [
    ['Server URL', fields.url],
    ['Server URL (HTTPS)', fields.httpsUrl],
    ['Server Type', fields.serverType],
    ['Wire', fields.wire],
    ['Server Root', fields.serverRoot],
    ['Server Conf', fields.configuration],
    ['Error Log File', fields.errorLog],
    ['Access Log File', fields.accessLog],
    ...fields.applications.map((application): [string, string] => ['Application', application]),
    ...fields.services.map((service): [string, string] => ['Service', service]),
    ['Processes', `${fields.workerPids.length} (pid ${fields.workerPids.join(', ')})`],
    ['Request Body Limit', fields.limitRequestBody],
    ['Boot Time', `${Math.round(fields.bootMs)} ms`],
    ['Pid', String(fields.pid)],
  ]
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  const lines = shown.map(([name, value]) => `${styled('dim', `${name.padEnd(width)} :`, colour)} ${value}`)
  return `${lines.join('\n')}\n${styled('green', 'Ready', colour)} ${styled('bold', fields.httpsUrl ?? fields.url, colour)}\n`
}
