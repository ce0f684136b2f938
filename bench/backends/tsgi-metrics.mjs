/** A worker that counts its requests. Usage: tsgi-metrics.mjs SOCKET */
import { runWorker } from './counting-worker.mjs'

await runWorker(true)
