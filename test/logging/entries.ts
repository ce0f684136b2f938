import type { AccessEntry } from '../../src/gateway/access.ts'

export interface EntryValues extends Partial<Omit<AccessEntry, 'requestField' | 'responseField' | 'variable'>> {
  /** By lower-case name. */
  readonly request?: Readonly<Record<string, string>>
  readonly response?: Readonly<Record<string, string>>
  readonly variables?: Readonly<Record<string, string>>
}

/** A request that has ended, as a format sees it. */
export function entry({ request = {}, response = {}, variables = {}, ...values }: EntryValues = {}): AccessEntry {
  return {
    method: 'GET',
    target: '/a/b?x=1',
    protocol: 'HTTP/1.1',
    remoteAddress: '192.0.2.7',
    status: 200,
    bodyBytes: 12,
    startedAt: 0,
    requestField: ({ field }) => request[field],
    responseField: (name) => response[name],
    variable: (name) => variables[name],
    ...values,
  }
}
