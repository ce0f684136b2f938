import { toNodeListener } from 'h3'
import { createServer } from 'node:http'
import { app } from './app.js'

createServer(toNodeListener(app)).listen(Number(process.env.PORT ?? 3000))
