import { toNodeHandler } from 'h3'
import app from './app.js'

export const handler = toNodeHandler(app)
