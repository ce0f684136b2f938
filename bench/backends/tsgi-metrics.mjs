/** What a worker does that counts its requests, and tells its master of them once a second. Usage: tsgi-metrics.mjs SOCKET */
import { applicationHandler } from '../../dist/gateway/run-application.js'
import { WorkerReports } from '../../dist/process/worker-reports.js'
import { Server } from '../../dist/server/server.js'
import { application } from './application.mjs'
import { reportTo } from './parent.mjs'

const reports = new WorkerReports(true)
const log = reports.counting({ error: console.error, warn: console.warn, info() {}, debug() {} })
const server = new Server({ handler: applicationHandler(application), log, meter: reports.requests })
await server.listen({ type: 'unix', path: process.argv[2] })
reports.begin(server)
reportTo(process)
