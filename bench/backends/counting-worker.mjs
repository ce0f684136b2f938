import { applicationHandler } from '../../dist/gateway/run-application.js'
import { WorkerReports } from '../../dist/process/worker-reports.js'
import { Server } from '../../dist/server/server.js'
import { application } from './application.mjs'
import { reportTo } from './parent.mjs'

/** What a worker does on the socket that the command line names, and that it tells its master once a second, with what it counts or without. */
export async function runWorker(metrics) {
  const reports = new WorkerReports(metrics)
  const log = reports.counting({ error: console.error, warn: console.warn, info() {}, debug() {} })
  const server = new Server({ handler: applicationHandler(application), log, meter: reports.requests })
  await server.listen({ type: 'unix', path: process.argv[2] })
  reports.begin(server)
  reportTo(process)
}
