/** The same as tsgi-metrics.mjs, but that nothing is counted. Usage: tsgi-no-metrics.mjs SOCKET */
import { runWorker } from './counting-worker.mjs'

await runWorker(false)
