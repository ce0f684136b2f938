/** Which test covers which limit: the file, and the beginning of the test's title, or of that of the suite it is in. */
export type Covered = readonly [file: string, title: string]

const HERE = 'test/limits'

/** The limits of src/interface/limits.ts. */
export const INTERFACE: Readonly<Record<string, Covered>> = {
  MAX_PARAMS_BYTES: [`${HERE}/interface.test.ts`, 'MAX_PARAMS_BYTES'],
  INPUT_HIGH_WATER_BYTES: [`${HERE}/interface.test.ts`, 'INPUT_HIGH_WATER_BYTES'],
  OUTPUT_HIGH_WATER_BYTES: [`${HERE}/interface.test.ts`, 'OUTPUT_HIGH_WATER_BYTES'],
  MAX_QUEUED_REQUESTS: [`${HERE}/interface.test.ts`, 'MAX_QUEUED_REQUESTS'],
  HEADER_TIMEOUT_MS: [`${HERE}/interface.test.ts`, 'HEADER_TIMEOUT_MS'],
  KEEP_ALIVE_TIMEOUT_MS: [`${HERE}/interface.test.ts`, 'KEEP_ALIVE_TIMEOUT_MS'],
  LINGER_TIMEOUT_MS: [`${HERE}/interface.test.ts`, 'LINGER_TIMEOUT_MS'],
  LISTEN_BACKLOG: [`${HERE}/interface.test.ts`, 'LISTEN_BACKLOG'],
  MAX_SOCKET_PATH_BYTES: [`${HERE}/interface.test.ts`, 'MAX_SOCKET_PATH_BYTES'],
}

/** What a setting that is a number or a size does; that it takes what it says, and nothing beyond, settings.test.ts tests of each. */
export const SETTINGS_THAT_LIMIT: Readonly<Record<string, Covered>> = {
  limitRequestBody: [`${HERE}/requests.test.ts`, '--limit-request-body 1000'],
  limitRequestLine: [`${HERE}/requests.test.ts`, '--limit-request-line 100'],
  limitRequestFields: [`${HERE}/requests.test.ts`, '--limit-request-fields 10'],
  limitRequestHeaderSize: [`${HERE}/requests.test.ts`, '--limit-request-header-size'],
  connectionLimit: [`${HERE}/requests.test.ts`, '--connection-limit 3'],
  workerConcurrency: [`${HERE}/requests.test.ts`, '--worker-concurrency 2'],
  maxRequests: [`${HERE}/process.test.ts`, '--max-requests 3'],
  maxRequestsJitter: [`${HERE}/process.test.ts`, '--max-requests-jitter'],
  workerMaxRss: [`${HERE}/process.test.ts`, '--worker-max-rss 1000'],
  maxLogSize: [`${HERE}/process.test.ts`, '--max-log-size 100'],
  // A record is as long as the time that it tells of is written: that the file stays below, not at which byte it ends.
  recordMaxSize: ['test/process/replay.test.ts', 'has the part of the requests that was asked for'],
  recordMaxBody: [`${HERE}/process.test.ts`, '--record-max-body 10'],
  rotateLogs: [`${HERE}/process.test.ts`, '--rotate-logs 2'],
}

/** Settings that are numbers, and limit nothing that a client sends: addresses, counts of processes, what is written for a proxy. */
export const NO_LIMITS: readonly string[] = [
  'port',
  'httpsPort',
  'nice',
  'processes',
  'minProcesses',
  'maxClients',
  'serverBacklog',
  'headerMinRate',
  'bodyMinRate',
]

/** The limits of `RequestOptions`: one test for each in toolkit.test.ts, made of a table with these names. */
export const TOOLKIT_FILE = `${HERE}/toolkit.test.ts`
